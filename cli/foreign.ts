import type { Command as Parser } from 'commander';
import type { Io } from './command.ts';
import { readInput } from './read-file.ts';

export interface ForeignFlags {
  readonly btf?: string;
}

export function foreignOption(command: Parser): Parser {
  return command.option(
    '--btf <file>',
    "another kernel's types, by which this one's structs are laid out: its\n" +
      '/sys/kernel/btf/vmlinux, or a vmlinux with BTF',
  );
}

/** Does `work` in kernels that are laid out as the flag says. */
export async function withForeignTypes<T>(
  { btf }: ForeignFlags,
  io: Io,
  work: () => T | Promise<T>,
): Promise<T> {
  if (btf === undefined) return work();
  const { useForeignBtf } = await import('../bpf/foreign.ts');
  const types = useForeignBtf(readInput(btf, io), btf);
  try {
    return await work();
  } finally {
    types.undo();
  }
}
