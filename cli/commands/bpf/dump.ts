import pc from 'picocolors';
import { dumpC } from '../../../bpf/btf/dump.ts';
import { readBtfFile } from '../../../bpf/btf/file.ts';
import type { Btf } from '../../../bpf/btf/types.ts';
import { INSN_BYTES } from '../../../bpf/isa/insn.ts';
import { openObject, type OpenedObject } from '../../../bpf/object/open.ts';
import type { FunctionSpec, MapSpec, ProgramSpec } from '../../../bpf/object/spec.ts';
import { MAP_TYPE_NAMES } from '../../../bpf/uapi.ts';
import { EXIT, type Command, type Io } from '../../command.ts';
import { parse, parser } from '../../options.ts';
import { readInput } from '../../read-file.ts';
import { table } from '../../render/text.ts';
import { relocationsOf } from './relocations.ts';

const SUMMARY = 'what is in an object: programs, maps, relocations, what it wants from outside';
const EXAMPLE = 'bohrbug bpf dump exec-events.bpf.o';

interface Flags {
  readonly btf?: boolean;
  readonly json?: boolean;
}

export const dumpCommand: Command = {
  name: 'dump',
  summary: 'what is in an object',
  async run(args, io) {
    const command = parse(
      parser('bpf dump', SUMMARY, EXAMPLE, io)
        .argument('<file>', 'an object for BPF; with --btf also BTF alone, or a vmlinux')
        .option('--btf', 'its types, as C')
        .option('--json', 'one JSON document'),
      args,
    );
    if (command === undefined) return EXIT.expected;
    const { btf, json } = command.opts<Flags>();
    const path = command.args[0]!;
    const bytes = readInput(path, io);
    if (btf) {
      const types = readBtfFile(bytes, path);
      io.out(json ? stringify(typesJson(types)) : dumpC(types).trimEnd());
    } else {
      const object = openObject(bytes, path);
      io.out(json ? stringify(objectJson(object)) : objectText(object, io));
    }
    return EXIT.expected;
  },
};

/** Integers beyond 2^53 as text. */
function stringify(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => {
    if (typeof field !== 'bigint') return field;
    return Number.isSafeInteger(Number(field)) ? Number(field) : String(field);
  });
}

function typesJson({ types }: Btf) {
  return { types: types.flatMap((type, id) => (type ? [{ id, ...type }] : [])) };
}

function objectJson(object: OpenedObject) {
  return {
    name: object.name,
    license: object.license,
    programs: object.programs.map((program) => ({
      ...functionJson(program),
      type: program.info?.type ?? null,
      attachType: program.info?.attachType || null,
      target: program.info?.target || null,
      optional: program.info?.optional ?? false,
    })),
    subprograms: subprogramsOf(object).map(functionJson),
    maps: object.maps.map(mapJson),
    externs: object.externs.map(({ name, kind, isWeak }) => ({ name, kind, weak: isWeak })),
    relocations: relocationsOf(object),
  };
}

function functionJson({ name, section, code }: FunctionSpec) {
  return { name, section, instructions: code.length / INSN_BYTES };
}

function mapJson({ definition, section, kind }: MapSpec) {
  return {
    name: definition.name,
    section,
    kind,
    type: MAP_TYPE_NAMES[definition.type] ?? String(definition.type),
    keySize: definition.keySize,
    valueSize: definition.valueSize,
    maxEntries: definition.maxEntries,
    flags: definition.flags,
  };
}

function subprogramsOf({ functions, programs }: OpenedObject): FunctionSpec[] {
  const isProgram = new Set(programs.map(place));
  return functions.filter((fn) => !isProgram.has(place(fn)));
}

function place({ sectionIndex, slot }: FunctionSpec): string {
  return `${sectionIndex}:${slot}`;
}

function objectText(object: OpenedObject, io: Io): string {
  const { bold } = pc.createColors(io.hasColor);
  const { name, license, programs, maps, externs } = object;
  const section = (title: string, rows: readonly (readonly string[])[]): string[] =>
    rows.length === 0 ? [] : ['', bold(title), ...table(rows).map((line) => `  ${line}`)];
  return [
    `${bold(name)}, license ${license || 'none'}`,
    ...section('Programs', programs.map(programRow)),
    ...section('Subprograms', subprogramsOf(object).map(functionRow)),
    ...section('Maps', maps.map(mapRow)),
    ...section(
      'Externs',
      externs.map((extern) => [extern.name, extern.kind, extern.isWeak ? 'weak' : '']),
    ),
    ...section(
      'Relocations',
      relocationsOf(object).map((row) => [`${row.function}+${row.slot}`, row.about]),
    ),
  ].join('\n');
}

function functionRow({ name, section, code }: FunctionSpec): string[] {
  return [name, section, `${code.length / INSN_BYTES} instructions`];
}

function programRow(program: ProgramSpec): string[] {
  return [...functionRow(program), program.info?.type ?? 'unknown type'];
}

function mapRow(map: MapSpec): string[] {
  const { name, type, keySize, valueSize, maxEntries } = mapJson(map);
  return [name, type, `key ${keySize}`, `value ${valueSize}`, `${maxEntries} entries`];
}
