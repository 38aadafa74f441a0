import { numberOf } from '../../bpf/user/object-map.ts';
import type { BpfObject } from '../../bpf/user/object.ts';
import type { Sim } from '../../sim/request.ts';
import { scenario } from '../dsl.ts';
import type { Proc } from '../proc.ts';
import bomb from './bomb.bpf.o';

const MS = 1_000_000;
const SECOND = 1_000 * MS;

export default scenario({
  name: 'bpf-bomb',
  about: 'Two nested loops of 100,000: accepted by the verifier, and never over',
  cpus: 2,
  timed: true,
  *setup(init) {
    const [read, write] = init.ok(yield* init.pipe());
    init.note('read', read);
    init.note('write', write);
  },
  processes: {
    *loader(p) {
      const object = p.openObject(bomb, 'bomb.bpf.o');
      const program = object.program(p.variant.replace('-', '_'));
      program.isWanted = true;
      yield* object.load();
      yield* program.attach();
      p.note('attached', true);
      yield* p.read(p.noted('read') as number, 1);
    },
    *worker(p) {
      yield* p.compute(100 * MS);
      for (let i = 0; i < 10; i++) {
        yield* p.compute(100 * MS);
        p.note('work', i);
      }
      yield* p.write(p.noted('write') as number, '.');
    },
  },
  variants: {
    plain: { about: 'in a context switch', expect: ['hard-lockup'] },
    reference: { about: 'r', expect: ['hard-lockup'] },
    lock: { about: 'r', expect: ['hard-lockup'] },
  },
});
