import fc from 'fast-check';
import { expect, test } from 'vitest';
import { idOf } from '../../../bpf/btf/resolve.ts';
import { encodeProgram } from '../../../bpf/isa/encode.ts';
import { Ringbuf } from '../../../bpf/maps/ringbuf.ts';
import { BPF_STREAM_STDERR } from '../../../bpf/prog/streams.ts';
import { settingsOf, type Settings } from '../../../bpf/protect/settings.ts';
import { PROG_TYPE } from '../../../bpf/uapi.ts';
import type { BpfObject } from '../../../bpf/user/object.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import type { Sim } from '../../../sim/request.ts';
import { blocks, programOf, type Block, type BlockNames } from '../../kit/blocks.ts';
import { compiledBytes } from '../../kit/compiled.ts';

/** What the kernel says of a kill is read, so that it is not there any more. */
const STREAM_BYTES = 4_096;
const BPF_F_SLEEPABLE = 1 << 4;
const FUNC_INFO_BYTES = 8;
/** Of the list, in its value: blocks.bpf.c */
const HEAD_OFF = 8;
/** A program with more than this is not killed at all of them. */
const KILL_POINTS_MAX = 400;

/** A kernel in which a program is killed at one kill point after the other. */
class KillBench {
  readonly #settings: Settings & { killAt: number };
  readonly #sandbox: BpfSandbox;
  readonly #object: BpfObject;
  readonly #names: BlockNames;

  constructor(mutations: readonly string[] = []) {
    this.#settings = { ...settingsOf('record-kill'), killAt: 0 };
    this.#sandbox = new BpfSandbox({
      mutations,
      bpf: { policy: { all: this.#settings, byProgram: new Map() } },
    });
    const { bpf } = this.#sandbox;
    this.#object = this.#sandbox.run(function* (p) {
      const object = p.openObject(compiledBytes('blocks', 'clang-22-v3'), 'blocks');
      yield* object.load();
      return object;
    });
    const object = this.#object;
    this.#names = {
      kfunc: (name) => idOf(bpf.btf, name, 'func'),
      map: (name) => object.map(name).fd,
      nodeType: idOf(object.spec.btf!, 'node', 'struct'),
    };
  }

  /** Kills a program of these blocks everywhere; how many places that were. */
  killEverywhere(tree: readonly Block[]): number {
    const fd = this.#load(tree);
    this.#run(fd); // what it leaves in maps is there from now on
    const before = this.#state();
    let place = 1;
    for (; place <= KILL_POINTS_MAX; place++) {
      this.#settings.killAt = place;
      const killsBefore = this.#kills(fd);
      this.#run(fd);
      this.#settings.killAt = 0;
      expect(this.#sandbox.kernel.machine.engine.failures.map(({ title }) => title)).toEqual([]);
      expect(this.#state(), `after a kill at kill point ${place}`).toEqual(before);
      if (this.#kills(fd) === killsBefore) break;
    }
    this.#sandbox.run((p) => p.close(fd));
    return place - 1;
  }

  #load(tree: readonly Block[]): number {
    const { insns, callbackAt, hasLoop } = programOf(tree, this.#names);
    const object = this.#object;
    const types = object.spec.btf!;
    const funcs = hasLoop ? [0, callbackAt] : [0];
    const ids = [idOf(types, 'body', 'func'), idOf(types, 'again', 'func')];
    const bytes = new Uint8Array(
      Uint32Array.from(funcs.flatMap((slot, i) => [slot, ids[i]!])).buffer,
    );
    const code = hasLoop ? insns : insns.slice(0, callbackAt);
    const made = this.#sandbox.run((p) =>
      p.calls.progLoad({
        type: PROG_TYPE.SYSCALL,
        insns: encodeProgram([...code]),
        license: 'GPL',
        name: 'blocks',
        flags: BPF_F_SLEEPABLE,
        btfFd: object.btfFd,
        funcInfo: { recordBytes: FUNC_INFO_BYTES, bytes },
        logLevel: 1,
      }),
    );
    expect(made.fd, made.log).toBeGreaterThan(0);
    return made.fd;
  }

  #run(fd: number): void {
    const { map } = this.#object;
    const ring = map.call(this.#object, 'ring');
    this.#sandbox.run(function* (p): Sim<void> {
      const { result } = yield* p.calls.testRun(fd);
      p.ok(result);
      yield* ring.read();
      while (
        p.ok<Uint8Array>(yield* p.calls.streamRead(fd, BPF_STREAM_STDERR, STREAM_BYTES)).length > 0
      );
    });
  }

  #kills(fd: number): number {
    const { bpf } = this.#sandbox;
    const prog = [...bpf.programs.registry.values()].find(({ name }) => name === 'blocks');
    expect(prog, `program of descriptor ${fd}`).toBeDefined();
    return bpf.protection.notes.of(prog!).count;
  }

  /** Objects in the list: that they are there is no leak. Spec 03 R12 */
  #listed(): number {
    const { kernel, bpf } = this.#sandbox;
    const { memory } = kernel.machine;
    const lists = [...bpf.maps.registry.values()].find(({ name }) => name === 'lists')!;
    const head = lists.map_direct_value_addr!(HEAD_OFF);
    let count = 0;
    for (let at = memory.ptr(head); at !== 0 && at !== head; at = memory.ptr(at)) count++;
    return count;
  }

  /** Whatever a program could have left behind. */
  #state(): unknown {
    const { kernel, bpf } = this.#sandbox;
    const { machine, cpus, processes } = kernel;
    const ring = [...bpf.maps.registry.values()].find((map) => map instanceof Ringbuf)!;
    return machine.memory.unwatched(() => ({
      live: machine.slab.liveCount - this.#listed(),
      usage: processes.tasks.byPid(1)!.s.usage,
      preempt: cpus.all.map(({ preemptCount, irqsOff, bhOff }) => [preemptCount, irqsOff, bhOff]),
      rcu: [...processes.tasks.all()].map(({ rcuDepth, held }) => [rcuDepth, held.length]),
      unread: ring.bpf_ringbuf_query(0),
    }));
  }
}

test('03 R25: killed at every kill point, a program leaves nothing behind', () => {
  let bench = new KillBench();
  let places = 0;
  fc.assert(
    fc.property(blocks, (tree) => {
      try {
        places += bench.killEverywhere(tree);
      } catch (error) {
        bench = new KillBench(); // the next one, simpler perhaps, begins anew
        throw error;
      }
    }),
    { numRuns: 60, seed: 3 },
  );
  expect(places).toBeGreaterThan(600);
});

test.each(['record-kill.keep-stashed', 'record-kill.erase-by-address'])(
  '03 R25: with the bug %s it is not so',
  (mutation) => {
    const holdsTwice: Block = { kind: 'cpumask', number: 2, inner: [STASH] };
    expect(() => new KillBench([mutation]).killEverywhere([holdsTwice, LOCKED])).toThrow();
  },
);

const STASH: Block = { kind: 'stash', number: 1, inner: [] };
const LOCKED: Block = {
  kind: 'preempt',
  number: 1,
  inner: [{ kind: 'irq', number: 1, inner: [] }],
};
