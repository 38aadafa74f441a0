/** How memory is accessed: enum bpf_access_type */
export const BPF_READ = 1;
export const BPF_WRITE = 2;
export type AccessType = typeof BPF_READ | typeof BPF_WRITE;

/** By whom: an instruction, or a helper. enum bpf_access_src */
export const ACCESS_DIRECT = 1;
export const ACCESS_HELPER = 2;
export type AccessSrc = typeof ACCESS_DIRECT | typeof ACCESS_HELPER;
