import { numberOf } from '../../bpf/user/object-map.ts';
import { scenario } from '../dsl.ts';
import wakeLatency from './wake-latency.bpf.o';

const ROUNDS = 4;

/**
 * Programs on wake-ups and switches measure how long tasks wait for a CPU. Two processes wake each
 * other through pipes, on one CPU: whoever is woken waits until the other sleeps.
 */
export default scenario({
  name: 'wake-latency',
  about: 'tp_btf programs make a histogram of the time from wake-up to switch',
  cpus: 1,
  processes: {
    *monitor(p) {
      const object = p.openObject(wakeLatency, 'wake-latency.bpf.o');
      yield* object.load();
      yield* object.attach();
      const there = p.ok(yield* p.pipe());
      const back = p.ok(yield* p.pipe());
      const echo = p.ok(
        yield* p.fork(function* (child) {
          for (let i = 0; i < ROUNDS; i++) {
            child.ok(yield* child.read(there[0], 1));
            child.ok(yield* child.write(back[1], '.'));
          }
        }, 'echo'),
      );
      for (let i = 0; i < ROUNDS; i++) {
        p.ok(yield* p.write(there[1], '.'));
        p.ok(yield* p.read(back[0], 1));
      }
      p.ok(yield* p.wait(echo));
      const slots = yield* object.map('latency').entries();
      const histogram = slots.map(({ value }) => Number(numberOf(value)));
      p.note(
        'waits',
        histogram.reduce((sum, count) => sum + count, 0),
      );
      p.note('histogram', histogram);
      yield* object.destroy();
    },
  },
  finally: {
    'every wake-up that was waited for is counted': ({ notes }) =>
      (notes.get('waits') as number) >= ROUNDS,
  },
});
