import { InputError } from '../../base/errors.ts';
import { isElf, sectionOf } from '../elf/parse.ts';
import { decodeBtf } from './decode.ts';
import type { Btf } from './types.ts';

/**
 * The types in a file: BTF itself, as /sys/kernel/btf/vmlinux is, or a 64-bit ELF file of whatever
 * machine with a section .BTF, as vmlinux is. Throws InputError.
 */
export function readBtfFile(bytes: Uint8Array, name: string): Btf {
  if (!isElf(bytes)) return decodeBtf(bytes, name);
  const section = sectionOf(bytes, name, '.BTF');
  if (!section) throw new InputError(`${name}: no section .BTF, expected one`);
  return decodeBtf(section.bytes, name);
}
