import type { Elf, ElfSymbol } from '../elf/elf.ts';
import type { FunctionSpec } from './spec.ts';

const INSN_BYTES = 8;

/** The symbols of each section, in the order of the table. */
export function symbolsBySection(elf: Elf): (section: number) => readonly ElfSymbol[] {
  const found = new Map<number, ElfSymbol[]>();
  for (const symbol of elf.symbols) {
    const list = found.get(symbol.section);
    if (list) list.push(symbol);
    else found.set(symbol.section, [symbol]);
  }
  return (section) => found.get(section) ?? [];
}

interface Record {
  /** Bytes from the start of the section. */
  readonly insnOffset: number;
}

/** Records about instructions, by the function that they are in; those in none are left out. */
export function recordsByFunction<T extends Record>(
  functions: readonly FunctionSpec[],
  records: ReadonlyMap<string, readonly T[]>,
): (fn: FunctionSpec) => readonly T[] {
  const found = new Map<FunctionSpec, T[]>();
  const bySection = new Map<string, FunctionSpec[]>();
  for (const fn of functions) {
    const list = bySection.get(fn.section);
    if (list) list.push(fn);
    else bySection.set(fn.section, [fn]);
  }
  for (const [section, list] of bySection) {
    list.sort((a, b) => a.slot - b.slot);
    for (const record of records.get(section) ?? []) {
      const fn = functionAt(list, record.insnOffset);
      if (!fn) continue;
      const known = found.get(fn);
      if (known) known.push(record);
      else found.set(fn, [record]);
    }
  }
  return (fn) => found.get(fn) ?? [];
}

/** The one of these, ascending by place, that has this byte. */
function functionAt(functions: readonly FunctionSpec[], at: number): FunctionSpec | undefined {
  let low = 0;
  let high = functions.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (functions[middle]!.slot * INSN_BYTES <= at) low = middle + 1;
    else high = middle;
  }
  const fn = functions[low - 1];
  return fn && at < fn.slot * INSN_BYTES + fn.code.length ? fn : undefined;
}
