import { numberOf } from '../../bpf/user/object-map.ts';
import type { Sim } from '../../sim/request.ts';
import { scenario } from '../dsl.ts';
import tailCalls from './tail-calls.bpf.o';

/** include/linux/bpf.h */
const MAX_TAIL_CALL_CNT = 33;
const COUNTERS = ['entered', 'links', 'refused', 'empty'] as const;

/**
 * A program that calls another by a tail call, which calls itself, until the kernel refuses: 33
 * tail calls in one run. A tail call into an empty slot goes on as if nothing had been.
 */
export default scenario({
  name: 'tail-call-chain',
  about: 'A chain of tail calls ends after 33, an empty slot is passed over',
  processes: {
    *A(p) {
      const object = p.openObject(tailCalls, 'tail-calls.bpf.o');
      yield* object.load();
      const { fd } = object.program('link');
      p.ok(yield* object.map('chain').update(1, fd));
      yield* object.program('first').attach();
      yield* p.getpid();
      yield* object.program('first').detach();
      for (const name of COUNTERS) p.note(name, yield* read(name));
      yield* object.destroy();

      function* read(name: string): Sim<number> {
        return Number(numberOf(yield* object.mapOf(name).variable(name)));
      }
    },
  },
  finally: {
    'each run ends after 33 tail calls': ({ notes }) => {
      const entered = notes.get('entered') as number;
      return (
        entered > 0 &&
        notes.get('links') === MAX_TAIL_CALL_CNT * entered &&
        notes.get('refused') === entered &&
        notes.get('empty') === entered
      );
    },
  },
});
