import { InputError } from '../base/errors.ts';

/** Two digits a byte, with blanks and line ends wherever. `what` names it in messages. */
export function bytesOfHex(text: string, what: string): Uint8Array {
  const digits = text.replaceAll(/\s+/g, '');
  const wrong = /[^\da-f]/i.exec(digits);
  if (wrong) throw new InputError(`${what}: '${wrong[0]}' is no hex digit`);
  if (digits.length % 2 !== 0) throw new InputError(`${what}: half a byte at the end`);
  const bytes = new Uint8Array(digits.length / 2);
  for (const i of bytes.keys()) bytes[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
