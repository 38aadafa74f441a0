/** Perf events, as far as they carry programs or their records. include/uapi/linux/perf_event.h */
export const PERF_TYPE_SOFTWARE = 1;
export const PERF_TYPE_TRACEPOINT = 2;
export const PERF_COUNT_SW_BPF_OUTPUT = 10;
export const PERF_SAMPLE_RAW = 1n << 10n;
export const PERF_FLAG_FD_CLOEXEC = 8;
export const PERF_EVENT_IOC_ENABLE = 0x2400;
export const PERF_EVENT_IOC_DISABLE = 0x2401;
export const PERF_EVENT_IOC_SET_BPF = 0x4004_2408;
/** Bytes of struct perf_event_attr as its first version was. */
export const PERF_ATTR_SIZE_VER0 = 64;
