import { readFileSync } from 'node:fs';
import { numberOf } from '../../bpf/user/object-map.ts';
import { BpfSandbox } from '../../scenarios/bpf-object.ts';

const DATA = new URL('../data/', import.meta.url);

/** Its arena stands wherever there is room. */
const ANYWHERE = 'arena-globals.bpf.o';

/** What programs with arenas leave on Linux 7.2: object, then programs. See the file. */
export const ARENA_ANSWERS = readFileSync(new URL('bpf-arena.txt', DATA), 'utf8')
  .split('\n\n')
  .slice(1)
  .flatMap((part) => {
    const [object, ...lines] = part.trimEnd().split('\n');
    const programs = lines.join('\n').split(/\n(?=\w)/);
    return programs.map((answer) => ({
      object: object!,
      program: answer.split(' ')[0]!,
      answer,
    }));
  });

/** One program of an object, run: what it returns, and what its error stream has. */
function runArena(object: string, program: string, engine: 'interp' | 'jit') {
  const sandbox = new BpfSandbox({ bpf: { engine } });
  const bytes = new Uint8Array(readFileSync(new URL(`verifier/${object}`, DATA)));
  const opened = sandbox.openBytes(bytes, object);
  for (const each of opened.object.programs) each.isWanted = each.name === program;
  opened.load();
  const { result, retval } = opened.programs[program]!.run();
  if (result !== 0) throw new Error(`${program}: ${result}`);
  const reports = opened.programs[program]!.stream('stderr').split('\n');
  return { sandbox, opened, retval, reports };
}

/** The same here. */
export function arenaAnswer(object: string, program: string, engine: 'interp' | 'jit'): string {
  const { sandbox, opened, retval, reports } = runArena(object, program, engine);
  const errors = reports.filter((line) => line.startsWith('ERROR'));
  const map = opened.object.mapOf('seen');
  const bytesSeen = sandbox.run(() => map.variable('seen'));
  const words: bigint[] = [];
  for (let at = 0; at < bytesSeen.length; at += 8) {
    words.push(numberOf(bytesSeen.subarray(at, at + 8)));
  }
  while (words.at(-1) === 0n) words.pop();
  const seen = words.map((word) => word.toString(16)).join(' ');
  opened.destroy();
  const shown = (line: string): string =>
    object === ANYWHERE ? line.replace(/0x\w+(\w{3})$/, '0x*$1') : line;
  const lines = [`${program} ${retval}`, `  seen ${seen}`];
  return [...lines, ...errors.map((line) => `  ${shown(line)}`)].join('\n');
}

/** Their instructions after loading, with dashes for what differs from load to load. */
export const ARENA_XLATED = readFileSync(new URL('bpf-arena-xlated.txt', DATA), 'utf8')
  .split('\n\n')
  .slice(1)
  .map((part) => {
    const [name, ...rows] = part.trimEnd().split('\n');
    const [object, program] = name!.split(' ') as [string, string];
    return { object, program, insns: rows.join(' ').split(' ') };
  });

/** The same here. */
export function arenaXlated(object: string, program: string): string[] {
  const { sandbox } = runArena(object, program, 'interp');
  const { xlated } = [...sandbox.bpf.programs.registry.values()].find(
    ({ name }) => name === program,
  )!;
  const insns = Buffer.from(xlated).toString('hex').match(/.{16}/g)!;
  return insns.map((insn, slot) => {
    if (insns[slot - 1]?.startsWith('18')) return '-'.repeat(16);
    const kept = insn.startsWith('18') ? 2 : insn.startsWith('85') ? 4 : 16;
    return insn.slice(0, kept).padEnd(16, '-');
  });
}
