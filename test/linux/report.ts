/** Reports: what each op of a program returned, in the order of execution; see README.md. */

export interface Result {
  /** The op's number. */
  readonly at: number;
  /** A decimal number, or a process: `p1`, `outside`. */
  readonly ret: string;
  /** `EBADF`; `-` for none; `SKIPPED`. */
  readonly errno: string;
  /** `data=6162`, `blocks`, …: in the order of the text. */
  readonly out: readonly string[];
}
export type Results = readonly Result[];

export const resultText = ({ ret, errno, out }: Result): string => [ret, errno, ...out].join(' ');

export function parseReport(lines: readonly string[]): Results {
  return lines.map((line) => {
    const words = /^(\d+) (\S+) (\S+)(?: (.*))?$/.exec(line);
    if (!words) throw new Error(`the runner reported ${JSON.stringify(line)}`);
    const out = words[4] === undefined ? [] : words[4].split(' ');
    return { at: Number(words[1]), ret: words[2]!, errno: words[3]!, out };
  });
}

/** The first `count` bytes of the pattern that write and sendmsg send. */
export function patternOf(value: bigint, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, i) =>
    Number((value >> BigInt((i % 8) * 8)) & 255n),
  );
}

const HEX_BYTES_MAX = 32;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** How received bytes are reported. */
export function dataOut(bytes: Uint8Array): string {
  if (bytes.length <= HEX_BYTES_MAX) {
    return `data=${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  }
  const hash = bytes.reduce((h, byte) => Math.imul(h ^ byte, FNV_PRIME) >>> 0, FNV_OFFSET);
  return `data=#${hash.toString(16).padStart(8, '0')}`;
}

export interface OpenDescriptor {
  readonly fd: number;
  /** What F_GETFL says. */
  readonly flags: number;
  readonly cloexec: boolean;
}

/** How the open descriptors are reported, in ascending order. */
export function descriptorsOut(open: readonly OpenDescriptor[]): string[] {
  const words = open.map(
    ({ fd, flags, cloexec }) => `${fd}:${flags.toString(16)}${cloexec ? 'c' : ''}`,
  );
  return words.length === 0 ? [] : [`fds=${words.join(',')}`];
}
