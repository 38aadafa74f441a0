import type { CtxAccess } from './info.ts';

/**
 * What may be read of the sockets that programs see: include/uapi/linux/bpf.h, struct bpf_sock and
 * its kin; net/core/filter.c.
 */

const WORD = 4;

/** struct bpf_sock: members from `first` to before `end`; in whole words, or in parts too. */
const SOCK_BYTES = 80;
const SOCK_TYPE = 8;
const SOCK_SRC_IP4 = 24;
const SOCK_DST_PORT = 48;
const SOCK_DST_PORT_END = 50;
const SOCK_DST_IP4 = 52;
/** Of these members only the first byte begins a narrow access. */
const SOCK_NARROW_STARTS: ReadonlySet<number> = new Set([
  4, // family
  8, // type
  12, // protocol
  44, // src_port
  72, // state
  76, // rx_queue_mapping
]);
/** Of these, any byte: src_ip4 and src_ip6, dst_ip4 and dst_ip6. */
const SOCK_ADDRESSES = [
  [24, 44],
  [52, 72],
] as const;

/** bpf_ctx_narrow_access_ok() */
function isNarrow(size: number, whole: number): boolean {
  return size <= whole && (size & (size - 1)) === 0;
}

/** bpf_sock_is_valid_access() */
export function bpfSockIsValidAccess(
  off: number,
  size: number,
  info: Pick<CtxAccess, 'ctxFieldSize'>,
): boolean {
  if (off < 0 || off >= SOCK_BYTES || off % size !== 0) return false;
  const isAddress = SOCK_ADDRESSES.some(([first, end]) => off >= first && off < end);
  if (isAddress || SOCK_NARROW_STARTS.has(off)) {
    info.ctxFieldSize = WORD;
    return isNarrow(size, WORD);
  }
  if (off >= SOCK_DST_PORT && off < SOCK_DST_PORT_END) {
    // 16 bits; programs that were made when it had 32 load those.
    info.ctxFieldSize = size === WORD ? WORD : 2;
    return isNarrow(size, info.ctxFieldSize);
  }
  if (off >= SOCK_DST_PORT_END && off < SOCK_DST_IP4) return false;
  return size === WORD;
}

/** bpf_sock_common_is_valid_access() */
export function bpfSockCommonIsValidAccess(
  off: number,
  size: number,
  info: Pick<CtxAccess, 'ctxFieldSize'>,
): boolean {
  if (off >= SOCK_TYPE && off < SOCK_SRC_IP4) return false;
  return bpfSockIsValidAccess(off, size, info);
}

/** struct bpf_tcp_sock, and its members of 64 bits: bytes_received, bytes_acked. */
const TCP_SOCK_BYTES = 112;
const TCP_SOCK_WIDE: readonly number[] = [80, 88];

/** bpf_tcp_sock_is_valid_access() */
export function bpfTcpSockIsValidAccess(off: number, size: number): boolean {
  if (off < 0 || off >= TCP_SOCK_BYTES || off % size !== 0) return false;
  return size === (TCP_SOCK_WIDE.includes(off) ? 8 : WORD);
}

/** struct bpf_xdp_sock */
const XDP_SOCK_BYTES = 4;

/** bpf_xdp_sock_is_valid_access() */
export function bpfXdpSockIsValidAccess(off: number, size: number): boolean {
  return off >= 0 && off < XDP_SOCK_BYTES && off % size === 0 && size === WORD;
}
