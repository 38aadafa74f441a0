import { InputError } from './errors.ts';

/** The base64url alphabet without padding: RFC 4648, section 5. */
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

const NOT_A_DIGIT = 0xff;

/** The value of each ASCII character as a digit. */
const VALUES = new Uint8Array(128).fill(NOT_A_DIGIT);
for (let i = 0; i < DIGITS.length; i++) VALUES[DIGITS.charCodeAt(i)] = i;

/** Characters joined at a time: keeps the text of a large input flat and cheap. */
const CHUNK_BYTES = 3 * 4096;

export function encodeBase64url(bytes: Uint8Array): string {
  const chunks: string[] = [];
  for (let start = 0; start < bytes.length; start += CHUNK_BYTES) {
    chunks.push(encodeChunk(bytes.subarray(start, start + CHUNK_BYTES)));
  }
  return chunks.join('');
}

/** Only the last chunk of a text may have a length that is no multiple of 3. */
function encodeChunk(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const digitCount = Math.min(4, bytes.length - at + 1);
    for (let i = 0; i < digitCount; i++) text += DIGITS[(group >>> (18 - 6 * i)) & 63];
  }
  return text;
}

/** Takes exactly what encodeBase64url() gives: no padding, no space, no stray bits at the end. */
export function decodeBase64url(text: string): Uint8Array {
  if (text.length % 4 === 1) throw new InputError(`base64url: no text has ${text.length} digits`);
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let held = 0;
  let heldBits = 0;
  let end = 0;
  for (let i = 0; i < text.length; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? NOT_A_DIGIT;
    if (value === NOT_A_DIGIT) throw new InputError(`base64url: no digit at offset ${i}`);
    held = ((held << 6) | value) & 0xffff;
    heldBits += 6;
    if (heldBits < 8) continue;
    heldBits -= 8;
    bytes[end++] = held >>> heldBits;
  }
  if ((held & ((1 << heldBits) - 1)) !== 0) {
    throw new InputError(`base64url: stray bits at offset ${text.length - 1}`);
  }
  return bytes;
}
