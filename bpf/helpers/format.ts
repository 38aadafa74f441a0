import { nameHash } from '../../sim/site.ts';
import { EINVAL } from '../../kernel/errno.ts';

/** Where strings and addresses that a format names come from. */
export interface FormatSource {
  /** A string at a kernel address, or where `user`, at a user one; '' where it cannot be read. */
  string(address: bigint, user: boolean): string;
  /** `count` bytes at a kernel address, or undefined. */
  bytes(address: bigint, count: number): Uint8Array | undefined;
}

/** MAX_BPRINTF_VARARGS: include/linux/bpf.h */
export const MAX_BPRINTF_VARARGS = 12;

/** ASCII text, or a byte of UTF-8. */
const PLAIN = /^[\x20-\x7e\t\n\v\f\r\x80-\xff]$/;
/** Behind a string or an address: nothing, a blank or a mark. */
const END = String.raw`(?=$|[\s!-/:-@[-\`{-~])`;
/** `%`, flags and width, then what is converted. */
const POINTER = String.raw`p(?:[ku]s${END}|[iI][46]|[KxsSB]|${END})`;
const CONVERSION = new RegExp(
  String.raw`%(%|([0 +-]*)(\d*)(${POINTER}|s${END}|c|(?:ll?)?[iduxX]))`,
  'y',
);

interface Conversion {
  readonly flags: string;
  readonly width: number;
  /** `d`, `llx`, `pi4`, … */
  readonly what: string;
}

interface Parsed {
  readonly parts: readonly (string | Conversion)[];
  /** How many arguments it takes. */
  readonly argCount: number;
}

/** What programs print again and again. */
const parsed = new Map<string, Parsed | null>();
const PARSED_MAX = 256;

/**
 * The characters and conversions of a format; undefined: a conversion that programs may not use,
 * a byte that is no text, or more conversions than arguments. bpf_bprintf_prepare()
 */
export function parseFormat(
  format: string,
  argCount: number,
): readonly (string | Conversion)[] | undefined {
  let known = parsed.get(format);
  if (known === undefined) {
    if (parsed.size >= PARSED_MAX) parsed.clear();
    parsed.set(format, (known = parse(format)));
  }
  return known && known.argCount <= argCount ? known.parts : undefined;
}

function parse(format: string): Parsed | null {
  const parts: (string | Conversion)[] = [];
  let argCount = 0;
  for (let at = 0; at < format.length;) {
    const char = format[at]!;
    if (!PLAIN.test(char)) return null;
    if (char !== '%') {
      addText(parts, char);
      at++;
      continue;
    }
    CONVERSION.lastIndex = at;
    const found = CONVERSION.exec(format);
    if (!found) return null;
    at = CONVERSION.lastIndex;
    if (found[1] === '%') {
      addText(parts, '%');
      continue;
    }
    argCount++;
    parts.push({ flags: found[2]!, width: Number(found[3]!), what: found[4]! });
  }
  return { parts, argCount };
}

function addText(parts: (string | Conversion)[], text: string): void {
  const last = parts.at(-1);
  if (typeof last === 'string') parts[parts.length - 1] = last + text;
  else parts.push(text);
}

/** The text of a format with its arguments, or -EINVAL. bstr_printf() */
export function bprintf(
  format: string,
  args: readonly bigint[],
  source: FormatSource,
): string | number {
  const parts = parseFormat(format, Math.min(args.length, MAX_BPRINTF_VARARGS));
  if (!parts) return -EINVAL;
  let text = '';
  let used = 0;
  for (const part of parts) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    const converted = convert(part.what, args[used++]!, source);
    if (converted === undefined) return -EINVAL;
    const isPlain = part.flags === '' && part.width === 0;
    text += isPlain ? converted : pad(converted, part);
  }
  return text;
}

function convert(what: string, arg: bigint, source: FormatSource): string | undefined {
  if (what === 's') return source.string(arg, false);
  if (what === 'c') return String.fromCharCode(Number(arg & 0xffn));
  if (what.startsWith('p')) return pointer(what.slice(1), arg, source);
  const bits = what.length > 1 ? 64 : 32;
  switch (what.at(-1)) {
    case 'i':
    case 'd':
      return String(BigInt.asIntN(bits, arg));
    case 'u':
      return String(BigInt.asUintN(bits, arg));
    case 'x':
      return BigInt.asUintN(bits, arg).toString(16);
    default:
      return BigInt.asUintN(bits, arg).toString(16).toUpperCase();
  }
}

/** lib/vsprintf.c: pointer(), ip4_string(), ip6_string() */
function pointer(what: string, arg: bigint, source: FormatSource): string | undefined {
  switch (what) {
    case '':
    case 'K':
      return hashed(arg);
    case 'x':
      return arg.toString(16).padStart(16, '0');
    case 's':
    case 'S':
    case 'B':
      return `0x${arg.toString(16)}`; // an address that is no symbol's
    case 'ks':
      return source.string(arg, false);
    case 'us':
      return source.string(arg, true);
    case 'i4':
    case 'I4': {
      const bytes = source.bytes(arg, 4) ?? new Uint8Array(4);
      const width = what === 'i4' ? 3 : 0;
      return [...bytes].map((byte) => String(byte).padStart(width, '0')).join('.');
    }
    case 'i6':
    case 'I6': {
      const bytes = source.bytes(arg, 16) ?? new Uint8Array(16);
      const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0'));
      const groups = Array.from({ length: 8 }, (_, i) => hex[2 * i]! + hex[2 * i + 1]!);
      return groups.join(what === 'i6' ? '' : ':');
    }
    default:
      return undefined;
  }
}

/** As %p hides addresses: the same for the same address. NULL shows as such. */
function hashed(address: bigint): string {
  if (address === 0n) return '(null)'.padStart(16);
  const hash = nameHash(address.toString(16)) >>> 0;
  return hash.toString(16).padStart(16, '0');
}

function pad(text: string, { flags, width, what }: Conversion): string {
  const isNumber = /^l*[iduxX]$/.test(what);
  const plus = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const signed = isNumber && plus !== '' && !text.startsWith('-') ? plus + text : text;
  if (flags.includes('-')) return signed.padEnd(width);
  if (!flags.includes('0') || !isNumber) return signed.padStart(width);
  const sign = /^[-+ ]/.test(signed) ? signed[0]! : '';
  return sign + signed.slice(sign.length).padStart(width - sign.length, '0');
}
