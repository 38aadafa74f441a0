import { CORE_KINDS, parseSpec, specText } from '../../../bpf/btf/core-spec.ts';
import type { CoreRelo } from '../../../bpf/btf/ext.ts';
import type { Btf } from '../../../bpf/btf/types.ts';
import { INSN_BYTES } from '../../../bpf/isa/insn.ts';
import type { OpenedObject } from '../../../bpf/object/open.ts';
import type { Reloc } from '../../../bpf/object/spec.ts';

export interface Relocated {
  readonly function: string;
  /** The instruction, counted from the start of the function in slots of 8 bytes. */
  readonly slot: number;
  readonly about: string;
}

/** What the linker and CO-RE put into an object's functions, in order. */
export function relocationsOf(object: OpenedObject): Relocated[] {
  return object.functions.flatMap((fn) => {
    const linked = fn.relocs.map((reloc) => ({ slot: reloc.slot, about: aboutOf(object, reloc) }));
    const relos = object.ext.relos.get(fn.section) ?? [];
    const cored = relos.flatMap((relo) => {
      const slot = relo.insnOffset / INSN_BYTES - fn.slot;
      const isInside = slot >= 0 && slot < fn.code.length / INSN_BYTES;
      return isInside ? [{ slot, about: coreText(object.btf, relo) }] : [];
    });
    return [...linked, ...cored]
      .toSorted((a, b) => a.slot - b.slot)
      .map((row) => ({ function: fn.name, ...row }));
  });
}

function aboutOf({ maps, externs, functions }: OpenedObject, reloc: Reloc): string {
  switch (reloc.kind) {
    case 'map':
      return `map ${maps[reloc.map]!.definition.name}`;
    case 'data':
      return `data ${maps[reloc.map]!.section}+${reloc.offset}`;
    case 'extern':
    case 'extern_call':
      return `extern ${externs[reloc.extern]!.name}`;
    case 'jump_table':
      return `jump table of ${reloc.targets.length}`;
    default: {
      const section = functions.find((fn) => fn.sectionIndex === reloc.section)?.section;
      return `${reloc.kind} ${section ?? `section ${reloc.section}`}+${reloc.offset}`;
    }
  }
}

function coreText(btf: Btf | undefined, { kind, typeId, access }: CoreRelo): string {
  const name = CORE_KINDS[kind];
  const spec = name && btf && parseSpec(btf, typeId, name, access);
  return spec && typeof spec !== 'string'
    ? specText(spec)
    : `<${name ?? kind}> [${typeId}] ${access}`;
}
