import { scenario } from '../dsl.ts';
import { textOf } from '../user-memory.ts';

/**
 * A sends B the write end of a pipe and closes its own. What B writes there A reads, until B exits.
 * A second message is never received: what it carries goes when the socket does.
 */
export default scenario({
  name: 'pass-descriptor',
  about: 'A descriptor goes to another process in a message, and one is left in flight',
  *setup(init) {
    const [a, b] = init.ok(yield* init.socketpair());
    init.ok(yield* init.dup2(a, 10));
    init.ok(yield* init.dup2(b, 11));
    init.ok(yield* init.close_range(0, 9));
    yield* init.start('A');
    yield* init.start('B');
    init.ok(yield* init.close_range(10, 11));
  },
  processes: {
    *A(p) {
      p.ok(yield* p.close(11));
      const [from, to] = p.ok(yield* p.pipe());
      p.ok(yield* p.sendFds(10, [to]));
      const second = yield* p.sendFds(10, [from]);
      p.ok(yield* p.close(to));
      p.check(second === 1 || second < 0, 'a message is sent whole or not at all');
      const text = textOf(p.ok<Uint8Array>(yield* p.read(from, 16)));
      p.check(text === 'hello', 'what B writes to the descriptor arrives');
      p.check(p.ok<Uint8Array>(yield* p.read(from, 16)).length === 0, 'then comes the end');
    },
    *B(p) {
      p.ok(yield* p.close(10));
      const message = p.ok(yield* p.recvFds(11, 1, 1));
      const [fd] = message.fds;
      p.check(fd !== undefined, 'the message carries a descriptor');
      p.ok(yield* p.write(fd!, 'hello'));
    },
  },
});
