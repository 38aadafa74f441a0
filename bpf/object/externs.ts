import { InputError } from '../../base/errors.ts';
import { sizeOf } from '../btf/resolve.ts';
import type { Btf } from '../btf/types.ts';
import type { Elf } from '../elf/elf.ts';
import { SHN_UNDEF } from '../elf/parse.ts';
import type { ExternSpec } from './spec.ts';

const STB_GLOBAL = 1;
const STB_WEAK = 2;

export interface Externs {
  readonly externs: readonly ExternSpec[];
  /** By symbol: which one it is. */
  readonly externOf: ReadonlyMap<string, number>;
  /** Bytes of the map of kind 'kconfig', 0 where nothing is asked of the configuration. */
  readonly kconfigBytes: number;
}

/** What the object wants from outside. libbpf.c: bpf_object__collect_externs() */
export function collectExterns(elf: Elf, btf: Btf | undefined, path: string): Externs {
  const found: ExternSpec[] = [];
  for (const { name, section, bind } of elf.symbols) {
    if (section !== SHN_UNDEF || name === '' || (bind !== STB_GLOBAL && bind !== STB_WEAK))
      continue;
    found.push({ ...declarationOf(btf, name, path), name, isWeak: bind === STB_WEAK });
  }
  // By alignment and then by size, so that the map has no gaps.
  const config = found
    .filter(({ kind }) => kind === 'kconfig')
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes || (a.name < b.name ? -1 : 1));
  const offsets = new Map<string, number>();
  let end = 0;
  for (const { name, sizeBytes } of config) {
    const align = Math.min(8, sizeBytes);
    end = Math.ceil(end / align) * align;
    offsets.set(name, end);
    end += sizeBytes;
  }
  const externs = found.map((row) => ({ ...row, offsetBytes: offsets.get(row.name) ?? 0 }));
  return {
    externs,
    externOf: new Map(externs.map(({ name }, index) => [name, index])),
    kconfigBytes: end,
  };
}

type Declaration = Omit<ExternSpec, 'name' | 'isWeak'>;

function declarationOf(btf: Btf | undefined, name: string, path: string): Declaration {
  const fail = (what: string): never => {
    throw new InputError(`${path}: extern '${name}': ${what}`);
  };
  if (!btf) return fail('is not defined, and the object has no BTF');
  for (const id of btf.idsOf(name)) {
    const type = btf.types[id]!;
    if (type.kind !== 'var' && type.kind !== 'func') continue;
    const section = sectionOf(btf, id);
    if (section === '.kconfig' && type.kind === 'var') {
      const sizeBytes = sizeOf(btf, type.type);
      if (sizeBytes === 0) fail('has no size');
      return { kind: 'kconfig', typeId: type.type, offsetBytes: 0, sizeBytes };
    }
    if (section === '.ksyms') {
      const kind = type.kind === 'func' ? 'kfunc' : 'ksym';
      return { kind, typeId: type.type, offsetBytes: 0, sizeBytes: 0 };
    }
  }
  return fail('is not declared with __kconfig or __ksym');
}

function sectionOf(btf: Btf, id: number): string | undefined {
  for (const name of ['.kconfig', '.ksyms']) {
    for (const sectionId of btf.idsOf(name)) {
      const section = btf.types[sectionId]!;
      if (section.kind === 'datasec' && section.vars.some(({ type }) => type === id)) return name;
    }
  }
  return undefined;
}
