import { InputError } from '../../base/errors.ts';
import { idOf } from '../btf/resolve.ts';
import type { Btf } from '../btf/types.ts';
import type { Elf, ElfSymbol, Section } from '../elf/elf.ts';
import { fixBtf, type DataSectionFix } from './btf-fix.ts';
import type { Externs } from './externs.ts';
import { mapDefinition, type MapDefinition } from './maps.ts';
import type { Maps } from './open-parts.ts';
import { isStructOps, structOpsMap } from './struct-ops.ts';
import { MAP_TYPE } from '../uapi.ts';
import type { InitialSlot, MapKind, MapSpec, Variable } from './spec.ts';

const STT_FUNC = 2;
const STT_SECTION = 3;
const STB_LOCAL = 0;
/** STV_INTERNAL, STV_HIDDEN */
const HIDDEN: readonly number[] = [1, 2];
const SHT_NOBITS = 8;
const SHF_ALLOC = 0x2;
const SHF_EXECINSTR = 0x4;
const BPF_MAP_TYPE_ARRAY = 2;
const BPF_F_RDONLY_PROG = 1 << 7;
const BPF_F_MMAPABLE = 1 << 10;
const POINTER_BYTES = 8;
const PAGE_BYTES = 4096;
/** What clang calls the section of variables in address space 1. */
const ARENA_SECTION = '.addr_space.1';
/** What libbpf takes of the object's name for the names of its data maps. */
const PREFIX_CHARS = 8;
const NAME_CHARS = 15;
/** Of all variables together: a header can ask for more zeroes than there is memory. */
/** Far more than a kernel would take. */
const MAPS_MAX = 4096;
const DATA_BYTES_MAX = 1 << 26;

export interface MapSources {
  readonly elf: Elf;
  symbolsOf(section: number): readonly ElfSymbol[];
  readonly btf: Btf | undefined;
  /** The object's name. */
  readonly name: string;
  readonly path: string;
  readonly externs: Externs;
}

interface Collecting extends MapSources {
  /** BTF ids of the types of variables, by name. */
  readonly types: ReadonlyMap<string, number>;
}

/** Maps that are declared, and those that hold the object's variables. */
export function collectMaps(given: MapSources): Maps {
  const sources = { ...given, types: variableTypes(given.btf) };
  const { elf, externs } = sources;
  const specs: MapSpec[] = [];
  const places = new Map<string, number>();
  const sections = new Map<number, number>();
  checkSizes(sources);
  for (const section of elf.sections) {
    refuse(section, sources.path);
    if (section.name === '.maps') declared(sources, section, specs, places);
    if (isStructOps(section)) specs.push(...structOpsMaps(sources, section));
    const kind = dataKind(section);
    if (!kind) continue;
    sections.set(section.index, specs.length);
    specs.push(dataMap(sources, section, kind));
  }
  placeArenaData(sources, specs, sections);
  if (externs.kconfigBytes > 0) specs.push(kconfigMap(sources));
  return {
    specs,
    at: (section, offset) => places.get(`${section}:${offset}`) ?? sections.get(section),
    isData: (section) => sections.has(section),
    fixBtf: (btf) =>
      fixBtf(btf, { section: fixesOf(sources, specs), hidden: hiddenFunctions(elf) }),
  };
}

function checkSizes({ elf, externs, path }: MapSources): void {
  const data = elf.sections.filter(dataKind).map(({ sizeBytes }) => sizeBytes);
  const total = [...data, externs.kconfigBytes].reduce((sum, size) => sum + size, 0);
  if (total > DATA_BYTES_MAX) {
    throw new InputError(`${path}: ${total} bytes of data, expected at most ${DATA_BYTES_MAX}`);
  }
}

/** What is no program and no map, but what libbpf would do something about. */
function refuse({ name }: Section, path: string): void {
  const what = REFUSED.find(([prefix]) => name === prefix || name.startsWith(`${prefix}.`))?.[1];
  if (what) throw new InputError(`${path}: section '${name}': ${what}`);
}

const REFUSED: readonly (readonly [section: string, why: string])[] = [
  ['maps', 'maps of the old kind, expected BTF-defined ones in .maps'],
];

/** bpf_program::mark_btf_static */
function hiddenFunctions(elf: Elf): Set<string> {
  const isHidden = ({ type, bind, visibility }: ElfSymbol): boolean =>
    type === STT_FUNC && bind !== STB_LOCAL && HIDDEN.includes(visibility);
  return new Set(elf.symbols.filter(isHidden).map(({ name }) => name));
}

function structOpsMaps(sources: Collecting, section: Section): MapSpec[] {
  const symbols = sources.symbolsOf(section.index).filter(isVariable);
  return symbols.map((symbol) => structOpsMap(sources, section, symbol));
}

/** Variables of the address space of arenas stand at the end of the one arena. */
function placeArenaData(
  sources: Collecting,
  specs: MapSpec[],
  sections: Map<number, number>,
): void {
  const { elf, path } = sources;
  const section = elf.sections.find(({ name }) => name === ARENA_SECTION);
  if (!section || section.sizeBytes === 0) return;
  const index = specs.findIndex(({ definition }) => definition.type === MAP_TYPE.ARENA);
  if (index < 0) throw new InputError(`${path}: section '${ARENA_SECTION}' without an arena`);
  const { maxEntries } = specs[index]!.definition;
  const pages = Math.ceil(section.sizeBytes / PAGE_BYTES);
  if (pages > maxEntries) {
    throw new InputError(`${path}: ${pages} pages of variables in an arena of ${maxEntries}`);
  }
  specs[index] = {
    ...specs[index]!,
    data: section.bytes.slice(),
    variables: variablesOf(sources, section),
    arenaDataAt: (maxEntries - pages) * PAGE_BYTES,
  };
  sections.set(section.index, index);
}

/** The variables of .maps, each a map, in the order of their places. */
function declared(
  { elf, symbolsOf, btf, path, types }: Collecting,
  section: Section,
  specs: MapSpec[],
  places: Map<string, number>,
): void {
  if (!btf) throw new InputError(`${path}: section .maps without BTF, expected clang -g`);
  const symbols = symbolsOf(section.index)
    .filter(isVariable)
    .toSorted((a, b) => a.value - b.value);
  if (symbols.length > MAPS_MAX) {
    throw new InputError(`${path}: ${symbols.length} maps, expected at most ${MAPS_MAX}`);
  }
  const first = specs.length;
  for (const symbol of symbols) {
    const typeId = types.get(symbol.name);
    if (typeId === undefined) throw new InputError(`${path}: map '${symbol.name}' has no BTF`);
    if (places.has(`${section.index}:${symbol.value}`)) {
      throw new InputError(`${path}: two maps at ${symbol.value} of .maps`);
    }
    places.set(`${section.index}:${symbol.value}`, specs.length);
    specs.push({
      definition: mapDefinition(btf, typeId, symbol.name, path),
      kind: 'map',
      section: section.name,
      data: undefined,
      slots: [],
      variables: new Map(),
    });
  }
  for (const [i, symbol] of symbols.entries()) {
    const spec = specs[first + i]!;
    specs[first + i] = {
      ...spec,
      slots: slotsOf(elf, section, symbol, spec.definition, places, path),
    };
  }
}

/** What `.values = { … }` puts into a map: a relocation for each slot. */
function slotsOf(
  elf: Elf,
  section: Section,
  symbol: ElfSymbol,
  { name, valuesAt }: MapDefinition,
  places: ReadonlyMap<string, number>,
  path: string,
): InitialSlot[] {
  const slots: InitialSlot[] = [];
  for (const { offset, symbol: target } of elf.relocationsOf(section.index)) {
    if (offset < symbol.value || offset >= symbol.value + symbol.sizeBytes) continue;
    const key = (offset - symbol.value - (valuesAt ?? NaN)) / POINTER_BYTES;
    const found = elf.symbols[target]!;
    const map = places.get(`${found.section}:${found.value}`);
    const isFunction = found.type === STT_FUNC;
    if (!Number.isInteger(key) || key < 0 || (map === undefined && !isFunction)) {
      throw new InputError(`${path}: map '${name}': no slot for '${found.name}' at ${offset}`);
    }
    slots.push({ key, target: isFunction ? { program: found.name } : { map: map! } });
  }
  return slots;
}

function isVariable({ type, name }: ElfSymbol): boolean {
  return type !== STT_SECTION && type !== STT_FUNC && name !== '';
}

function variableTypes(btf: Btf | undefined): Map<string, number> {
  const found = new Map<string, number>();
  for (const type of btf?.types ?? []) {
    if (type?.kind === 'var' && !found.has(type.name)) found.set(type.name, type.type);
  }
  return found;
}

/** `.rodata` and `.rodata.str1.1`, but not `.rodatas`. */
function dataKind({ name, flags, sizeBytes }: Section): MapKind | undefined {
  if ((flags & SHF_ALLOC) === 0 || (flags & SHF_EXECINSTR) !== 0 || sizeBytes === 0)
    return undefined;
  for (const kind of ['rodata', 'data', 'bss'] as const) {
    if (name === `.${kind}` || name.startsWith(`.${kind}.`)) return kind;
  }
  return undefined;
}

function dataMap(sources: Collecting, section: Section, kind: MapKind): MapSpec {
  const { btf } = sources;
  const data =
    section.type === SHT_NOBITS ? new Uint8Array(section.sizeBytes) : section.bytes.slice();
  const valueTypeId = btf ? idOf(btf, section.name, 'datasec') : 0;
  const name = dataMapName(sources.name, section.name);
  return {
    definition: dataDefinition(name, data.length, kind, btf, valueTypeId),
    kind,
    section: section.name,
    data,
    slots: [],
    variables: variablesOf(sources, section),
  };
}

function variablesOf({ symbolsOf, types }: Collecting, section: Section): Map<string, Variable> {
  const variables = new Map<string, Variable>();
  for (const symbol of symbolsOf(section.index)) {
    if (!isVariable(symbol)) continue;
    const typeId = types.get(symbol.name) ?? 0;
    variables.set(symbol.name, { offsetBytes: symbol.value, sizeBytes: symbol.sizeBytes, typeId });
  }
  return variables;
}

/** libbpf.c: internal_map_name(): `exec_eve.rodata`, and custom names as they are. */
function dataMapName(object: string, section: string): string {
  const isCustom = section.indexOf('.', 1) > 0;
  if (isCustom) return section.slice(0, NAME_CHARS);
  const room = Math.max(0, Math.min(PREFIX_CHARS, NAME_CHARS - section.length));
  const name = `${object.slice(0, room)}${section}`.slice(0, NAME_CHARS);
  return name.replaceAll(/[^\w.]/g, '_');
}

function kconfigMap({ name, btf, externs }: MapSources): MapSpec {
  const { kconfigBytes } = externs;
  const valueTypeId = btf ? idOf(btf, '.kconfig', 'datasec') : 0;
  const mapName = dataMapName(name, '.kconfig');
  return {
    definition: dataDefinition(mapName, kconfigBytes, 'kconfig', btf, valueTypeId),
    kind: 'kconfig',
    section: '.kconfig',
    data: new Uint8Array(kconfigBytes),
    slots: [],
    variables: new Map(
      externs.externs
        .filter(({ kind }) => kind === 'kconfig')
        .map(({ name: variable, ...place }) => [variable, place]),
    ),
  };
}

/** libbpf.c: bpf_object__init_internal_map() */
function dataDefinition(
  name: string,
  valueSize: number,
  kind: MapKind,
  btf: Btf | undefined,
  valueTypeId: number,
): MapDefinition {
  const isConst = kind === 'rodata' || kind === 'kconfig';
  return {
    name,
    type: BPF_MAP_TYPE_ARRAY,
    keySize: 4,
    valueSize,
    maxEntries: 1,
    flags: (isMmapable(btf, valueTypeId) ? BPF_F_MMAPABLE : 0) | (isConst ? BPF_F_RDONLY_PROG : 0),
    extra: 0,
    numaNode: 0,
    keyTypeId: 0,
    valueTypeId,
    isPinned: false,
    inner: undefined,
    valuesAt: undefined,
  };
}

/** Only where something in it is for user space: no static variable is. map_is_mmapable() */
function isMmapable(btf: Btf | undefined, typeId: number): boolean {
  const type = btf?.types[typeId];
  if (type?.kind !== 'datasec') return false;
  return type.vars.some((entry) => {
    const variable = btf!.types[entry.type];
    return variable?.kind === 'var' && variable.linkage !== 'static';
  });
}

/** By the name of a section: of maps of data what they are, of others what the file says. */
function fixesOf(
  { elf, symbolsOf }: MapSources,
  specs: readonly MapSpec[],
): (name: string) => DataSectionFix | undefined {
  const fixes = new Map<string, DataSectionFix>();
  for (const { name, index, sizeBytes } of elf.sections) {
    if (fixes.has(name) || sizeBytes === 0) continue;
    const places = symbolsOf(index).filter(isVariable);
    fixes.set(name, { sizeBytes, offsets: new Map(places.map((row) => [row.name, row.value])) });
  }
  for (const { kind, section, data, variables } of specs) {
    if (kind === 'map' || kind === 'struct_ops' || !data) continue;
    const offsets = [...variables].map(([name, row]) => [name, row.offsetBytes] as const);
    fixes.set(section, { sizeBytes: data.length, offsets: new Map(offsets) });
  }
  return (name) => fixes.get(name);
}
