import { readFileSync } from 'node:fs';
import type { EngineChoice } from '../../bpf/vm/select.ts';
import { NO_POLICY, type Selection } from '../../bpf/protect/settings.ts';
import { BpfSandbox, type TestObject } from '../../scenarios/bpf-object.ts';
import { compiledBytes, type CompiledName, type Compiler } from './compiled.ts';

/** What a run of a program said on Linux 7.2. */
export interface SaidRow {
  readonly program: string;
  readonly ctx: Uint8Array | undefined;
  readonly said: readonly bigint[];
}

/** `program | context in hex | numbers`: a file of test/data. */
export function saidRows(file: string): SaidRow[] {
  const text = readFileSync(new URL(`../data/${file}`, import.meta.url), 'utf8');
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line) => {
    const [program, hex, numbers] = line.split('|').map((part) => part.trim());
    return {
      program: program!,
      ctx: hex === '' ? undefined : new Uint8Array(Buffer.from(hex!, 'hex')),
      said: numbers === '' ? [] : numbers!.split(' ').map(BigInt),
    };
  });
}

interface SpeakerOptions {
  readonly engine?: EngineChoice;
  readonly policy?: Selection;
}

/** An object whose programs say numbers, by say(). */
export class Speaker {
  readonly sandbox: BpfSandbox;
  readonly object: TestObject;
  #seen = 0n;

  constructor(
    name: CompiledName,
    by: Compiler,
    { engine = 'auto', policy = NO_POLICY }: SpeakerOptions = {},
  ) {
    this.sandbox = new BpfSandbox({ cpus: 1, bpf: { engine, policy } });
    this.sandbox.kernel.processes.tasks.init_idle(); // else the first to look at them does
    this.object = this.sandbox.openBytes(compiledBytes(name, by), `${name}.bpf.o`).load();
  }

  /** What one run of a program says. */
  run(program: string, ctx: Uint8Array | undefined): bigint[] {
    const run = this.object.programs[program]!.run(ctx ? { ctxIn: ctx } : {});
    if (run.result !== 0 || run.retval !== 0) {
      throw new Error(`${program}: ${run.result}, ${run.retval}`);
    }
    const map = this.object.object.mapOf('out');
    const { offsetBytes, sizeBytes } = map.spec.variables.get('out')!;
    const bytes = Buffer.from(this.object.map(map.name).lookup(0)!).subarray(offsetBytes);
    const from = this.#seen;
    this.#seen = this.object.variable('said');
    const at = (i: number): bigint => bytes.readBigInt64LE((8 * i) % sizeBytes);
    return Array.from({ length: Number(this.#seen - from) }, (_, i) => at(Number(from) + i));
  }

  /** Unloads the object, and waits for all that comes after. */
  end(): void {
    this.object.destroy();
    this.sandbox.run((p) => p.nanosleep(500_000_000));
  }

  /** Live objects of the heap, by cache: when all is over, as many as before. */
  heap(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { cache } of this.sandbox.kernel.machine.slab.live()) {
      counts[cache] = (counts[cache] ?? 0) + 1;
    }
    return counts;
  }
}
