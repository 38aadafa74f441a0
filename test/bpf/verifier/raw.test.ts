import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FUNC, type FuncName } from '../../../bpf/helpers/func-ids.ts';
import { assemble } from '../../../bpf/isa/asm.ts';
import { encodeProgram } from '../../../bpf/isa/encode.ts';
import { ATTACH_TYPE, PROG_TYPE } from '../../../bpf/uapi.ts';
import { ALL_CAPS } from '../../../kernel/cred.ts';
import * as errnos from '../../../kernel/errno.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import { BpfCaller, textOf } from '../../kit/bpf.ts';

/** The maps that programs name, as attributes of bpf(2). */
const MAPS = {
  array: '0:4=2 4:4=4 8:4=64 12:4=4',
  hash: '0:4=1 4:4=8 8:4=16 12:4=4',
  prog_array: '0:4=3 4:4=4 8:4=4 12:4=4',
  sockmap: '0:4=15 4:4=4 8:4=4 12:4=2',
  ringbuf: '0:4=27 12:4=4096',
  ro: '0:4=2 4:4=4 8:4=64 12:4=2 16:4=128',
  wo: '0:4=2 4:4=4 8:4=64 12:4=2 16:4=256',
};
const MAP_NAMES = Object.keys(MAPS);
/** In the place of descriptors, and of instructions by their fields. */
const MAP_MARK = 0x6ede_0000;
const RAW_MARK = 0x7000_0000;
const LOG = '28:4=65536 32:8=>65536';

interface Case {
  readonly name: string;
  readonly type: string;
  readonly attach: string | undefined;
  readonly options: ReadonlyMap<string, string>;
  readonly program: readonly string[];
  readonly errno: string;
  readonly log: readonly string[];
}

function caseOf(block: string): Case {
  const lines = block.split('\n');
  const [, name, target, options] = /^(.*): ([\w/]+)(.*)$/.exec(lines[0]!)!;
  const [type, attach] = target!.split('/');
  const verdict = lines.findIndex((line) => line.startsWith('=> '));
  const pairs = options!.split('; ').slice(1);
  return {
    name: name!,
    type: type!,
    attach,
    options: new Map(pairs.map((pair) => pair.split(' ') as [string, string])),
    program: lines.slice(1, verdict),
    errno: lines[verdict]!.slice(3),
    log: lines.slice(verdict + 1).map((line) => line.slice(2)),
  };
}

const text = readFileSync(new URL('../../data/verifier/raw.txt', import.meta.url), 'utf8');
const cases = text
  .trim()
  .split('\n\n')
  .filter((block) => !block.startsWith('#'))
  .map(caseOf);

/** As hexadecimal digits, `{NAME}` where the descriptor of a map goes. */
function hexOf(program: readonly string[]): string {
  const raw: string[] = [];
  const lines = program.map((line) => {
    const words = /^\s*insn (.*)$/.exec(line)?.[1]?.split(' ');
    if (words) raw.push(rawHex(words));
    if (words) return `r0 = ${RAW_MARK + raw.length - 1}`;
    return line.replace(/map\[(\w+)\]/, (_, name: string) => {
      return `map[fd:${MAP_MARK + MAP_NAMES.indexOf(name)}]`;
    });
  });
  const insns = assemble(lines.join('\n'), { helper: (name) => FUNC[name as FuncName] });
  const hex = Buffer.from(encodeProgram(insns)).toString('hex');
  return hex.replaceAll(/.{16}/g, (insn) => {
    const imm = Buffer.from(insn, 'hex').readInt32LE(4);
    if (insn.startsWith('b7') && imm >= RAW_MARK) return raw[imm - RAW_MARK] ?? insn;
    if (!insn.startsWith('18') || imm >>> 16 !== MAP_MARK >>> 16) return insn;
    return `${insn.slice(0, 8)}{${MAP_NAMES[imm & 0xffff]}}`;
  });
}

function rawHex([code, ...fields]: readonly string[]): string {
  const [dst, src, off, imm] = fields.map(Number) as [number, number, number, number];
  const bytes = Buffer.alloc(8);
  bytes[0] = Number.parseInt(code!, 16);
  bytes[1] = dst | (src << 4);
  bytes.writeInt16LE(off, 2);
  bytes.writeInt32LE(imm | 0, 4);
  return bytes.toString('hex');
}

function callOf({ type, attach, options, program }: Case): string {
  const attachType = attach ? ATTACH_TYPE[attach as keyof typeof ATTACH_TYPE] : 0;
  return (
    `bpf 5 0:4=${PROG_TYPE[type as keyof typeof PROG_TYPE]} 16:8=&47504c00 ${LOG} ` +
    `24:4=${options.get('log') ?? 1} 44:4=${options.get('flags') ?? 0} 68:4=${attachType} ` +
    `8:8=&${hexOf(program)}`
  );
}

function nameOf(result: number): string {
  if (result >= 0) return 'ok';
  return Object.entries(errnos).find(([, value]) => value === -result)?.[0] ?? String(result);
}

/** Addresses are not the same anywhere. */
function linesOf(log: string): string[] {
  const lines = log.split('\n').map((line) => line.replaceAll(/0xffff[\da-f]{12}/g, 'ADDR'));
  return lines.map((line) => line.replace(/ +;/, ' ;').trimEnd());
}

/** Whether the lines follow each other somewhere, none between. */
function holds(all: readonly string[], some: readonly string[]): boolean {
  const lines = all.filter((line) => line !== '');
  if (some.length === 0) return true;
  return lines.some((_, at) => some.every((line, i) => lines[at + i] === line));
}

/** What is wrong with the answers to them, in one kernel. */
function wrongOf(group: readonly Case[]): string[] {
  const sandbox = new BpfSandbox({ cpus: 1, bpf: { unprivilegedBpfDisabled: 0 } });
  const { creds } = sandbox.kernel;
  const wrong: string[] = [];
  sandbox.run(function* (p) {
    const bpf = new BpfCaller(p);
    for (let fd = 0; fd < 3; fd++) p.ok(yield* p.eventfd());
    for (const [name, attr] of Object.entries(MAPS)) yield* bpf.call(`${name} = bpf 0 ${attr}`);
    for (const row of group) {
      const user = row.options.get('user');
      const caps = user === undefined ? ALL_CAPS : BigInt(`0x${user}`);
      creds.change({ cap_permitted: caps, cap_effective: caps });
      const { result, out } = yield* bpf.call(callOf(row));
      creds.change({ cap_permitted: ALL_CAPS, cap_effective: ALL_CAPS });
      if (result >= 0) p.ok(yield* p.close(result));
      const log = linesOf(textOf(out.get(32)!));
      if (nameOf(result) === row.errno && holds(log, row.log)) continue;
      wrong.push(`${row.name}: ${nameOf(result)}, not ${row.errno}\n${log.join('\n')}`);
    }
  });
  return wrong;
}

const PER_KERNEL = 100;
const groups = Array.from({ length: Math.ceil(cases.length / PER_KERNEL) }, (_, i) =>
  cases.slice(i * PER_KERNEL, (i + 1) * PER_KERNEL),
);

test.each(groups.map((group, i) => [i, group] as const))(
  'programs are answered as Linux 7.2 does: %i',
  (_, group) => {
    expect(wrongOf(group)).toEqual([]);
  },
);
