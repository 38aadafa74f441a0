/** What a loader knows of perf events. include/uapi/linux/perf_event.h */
export const PERF_TYPE_SOFTWARE = 1;
export const PERF_TYPE_TRACEPOINT = 2;
export const PERF_COUNT_SW_BPF_OUTPUT = 10n;
export const PERF_SAMPLE_RAW = 1n << 10n;
export const PERF_FLAG_FD_CLOEXEC = 8;
export const PERF_EVENT_IOC_ENABLE = 0x2400;
/** PERF_ATTR_SIZE_VER0: struct perf_event_attr as its first version was. */
export const PERF_ATTR_BYTES = 64;
