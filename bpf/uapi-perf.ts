/** Perf events, as far as they carry programs or their records. include/uapi/linux/perf_event.h */
export const PERF_TYPE_HARDWARE = 0;
export const PERF_TYPE_SOFTWARE = 1;
export const PERF_TYPE_TRACEPOINT = 2;
export const PERF_COUNT_HW_CPU_CYCLES = 0;
export const PERF_COUNT_HW_INSTRUCTIONS = 1;
export const PERF_COUNT_HW_REF_CPU_CYCLES = 9;
export const PERF_COUNT_HW_MAX = 10;
export const PERF_COUNT_SW_CPU_CLOCK = 0;
export const PERF_COUNT_SW_TASK_CLOCK = 1;
export const PERF_COUNT_SW_DUMMY = 9;
export const PERF_COUNT_SW_BPF_OUTPUT = 10;
export const PERF_SAMPLE_RAW = 1n << 10n;
export const PERF_SAMPLE_MAX = 1n << 25n;
export const PERF_FORMAT_MAX = 1n << 5n;
export const PERF_FLAG_PID_CGROUP = 4;
export const PERF_FLAG_FD_CLOEXEC = 8;
export const PERF_EVENT_IOC_ENABLE = 0x2400;
export const PERF_EVENT_IOC_DISABLE = 0x2401;
export const PERF_EVENT_IOC_RESET = 0x2403;
export const PERF_EVENT_IOC_PERIOD = 0x4008_2404;
export const PERF_EVENT_IOC_SET_BPF = 0x4004_2408;
/** Bytes of struct perf_event_attr: in its first version, and in that of Linux 7.2. */
export const PERF_ATTR_SIZE_VER0 = 64;
export const PERF_ATTR_SIZE = 144;
