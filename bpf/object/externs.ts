import { InputError } from '../../base/errors.ts';
import { alignOf, resolve, sizeOf } from '../btf/resolve.ts';
import type { Btf, BtfOf } from '../btf/types.ts';
import type { Elf } from '../elf/elf.ts';
import { SHN_UNDEF } from '../elf/parse.ts';
import { kconfigType } from './kconfig.ts';
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
  const declarations = btf ? declarationsIn(btf) : new Map<string, Declared>();
  for (const { name, section, bind } of elf.symbols) {
    if (section !== SHN_UNDEF || name === '' || (bind !== STB_GLOBAL && bind !== STB_WEAK))
      continue;
    const fail = (what: string): never => {
      throw new InputError(`${path}: extern '${name}': ${what}`);
    };
    if (!btf) return fail('is not defined, and the object has no BTF');
    const declared = declarations.get(name) ?? fail('is not declared with __kconfig or __ksym');
    found.push({ ...specOf(btf, declared, fail), name, isWeak: bind === STB_WEAK });
  }
  const align = ({ typeId }: ExternSpec): number => alignOf(btf!, typeId);
  // As libbpf does, so that there are few gaps. cmp_externs()
  const config = found
    .filter(({ kind }) => kind === 'kconfig')
    .toSorted(
      (a, b) => align(b) - align(a) || a.sizeBytes - b.sizeBytes || (a.name < b.name ? -1 : 1),
    );
  const offsets = new Map<string, number>();
  let end = 0;
  for (const extern of config) {
    const { name, sizeBytes } = extern;
    const alignBytes = align(extern);
    end = Math.ceil(end / alignBytes) * alignBytes;
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

interface Declared {
  readonly section: string;
  readonly type: BtfOf<'var' | 'func'>;
}

/** What stands in the two sections of externs, by name. */
function declarationsIn(btf: Btf): Map<string, Declared> {
  const found = new Map<string, Declared>();
  for (const name of ['.kconfig', '.ksyms']) {
    for (const id of btf.idsOf(name)) {
      const section = btf.types[id]!;
      if (section.kind !== 'datasec') continue;
      for (const entry of section.vars) {
        const type = btf.types[entry.type]!;
        if (type.kind !== 'var' && type.kind !== 'func') continue;
        if (!found.has(type.name)) found.set(type.name, { section: name, type });
      }
    }
  }
  return found;
}

function specOf(
  btf: Btf,
  { section, type }: Declared,
  fail: (what: string) => never,
): Omit<ExternSpec, 'name' | 'isWeak'> {
  if (section === '.ksyms') {
    const kind = type.kind === 'func' ? 'kfunc' : 'ksym';
    const isTyped = resolve(btf, type.type) !== undefined;
    return { kind, typeId: isTyped ? type.type : 0, offsetBytes: 0, sizeBytes: 0 };
  }
  const isSupported = type.kind === 'var' && kconfigType(btf, type.type) !== undefined;
  if (!isSupported) fail('type is unsupported for the kernel configuration');
  return { kind: 'kconfig', typeId: type.type, offsetBytes: 0, sizeBytes: sizeOf(btf, type.type) };
}
