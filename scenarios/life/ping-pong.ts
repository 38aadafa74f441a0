import type { Sim } from '../../sim/request.ts';
import { scenario } from '../dsl.ts';
import type { Proc } from '../proc.ts';
import { textOf } from '../user-memory.ts';

const ROUND_COUNT = 2;

function* receive(p: Proc, fd: number): Sim<string> {
  return textOf(p.ok<Uint8Array>(yield* p.read(fd, 16)));
}

/** A and B talk over two pipes: A reads 3 and writes 6, B reads 5 and writes 4. */
export default scenario({
  name: 'ping-pong',
  about: 'Two processes send each other messages over pipes, and see the end of file',
  *setup(init) {
    const [there, back] = [init.ok(yield* init.pipe()), init.ok(yield* init.pipe())];
    const ends = [...back, ...there];
    for (const [i, fd] of ends.entries()) init.ok(yield* init.dup2(fd, 10 + i));
    for (const fd of ends) init.ok(yield* init.close(fd));
    for (let i = 0; i < ends.length; i++) {
      init.ok(yield* init.dup2(10 + i, 3 + i));
      init.ok(yield* init.close(10 + i));
    }
    yield* init.start('A');
    yield* init.start('B');
    init.ok(yield* init.close_range(3, 6));
  },
  processes: {
    *A(p) {
      p.ok(yield* p.close_range(4, 5));
      for (let i = 0; i < ROUND_COUNT; i++) {
        p.ok(yield* p.write(6, `ping ${i}`));
        p.check((yield* receive(p, 3)) === `pong ${i}`, 'each ping has its pong');
      }
      p.ok(yield* p.close(6));
      p.check((yield* receive(p, 3)) === '', 'B closes its end when A has closed its own');
    },
    *B(p) {
      p.ok(yield* p.close(3));
      p.ok(yield* p.close(6));
      for (;;) {
        const message = yield* receive(p, 5);
        if (message === '') break;
        p.ok(yield* p.write(4, message.replace('ping', 'pong')));
      }
    },
  },
});
