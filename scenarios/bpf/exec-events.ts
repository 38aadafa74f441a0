import { numberOf } from '../../bpf/user/object-map.ts';
import { scenario } from '../dsl.ts';
import execEvents from './exec-events.bpf.o';

/** struct exec_event: exec-events.h */
interface ExecEvent {
  readonly pid: number;
  readonly ppid: number;
  readonly uid: number;
  readonly comm: string;
  readonly path: string;
}

function text(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, end < 0 ? bytes.length : end));
}

function decode(record: Uint8Array): ExecEvent {
  const word = (at: number): number => Number(numberOf(record.subarray(at, at + 4)));
  return {
    pid: word(0),
    ppid: word(4),
    uid: word(8),
    comm: text(record.subarray(16, 32)),
    path: text(record.subarray(32, 96)),
  };
}

/** A tracing program tells of every exec; whoever loaded it reads what it told. */
export default scenario({
  name: 'exec-events',
  about: 'A tracepoint program reports every exec through a ring buffer',
  processes: {
    *monitor(p) {
      const object = p.openObject(execEvents, 'exec-events.bpf.o');
      yield* object.load();
      yield* object.attach();
      const shell = p.ok(
        yield* p.fork(function* (child) {
          yield* child.exec('/bin/true');
        }, 'shell'),
      );
      p.ok(yield* p.wait(shell));
      const events = (yield* object.map('events').read()).map(decode);
      p.note('events', events);
      p.note('shell', shell);
      p.note('monitor', yield* p.getpid());
      yield* object.destroy();
    },
  },
  images: {
    *'/bin/true'() {},
  },
  finally: {
    'one event, of the exec': ({ notes }) => {
      const [event, ...more] = notes.get('events') as ExecEvent[];
      return (
        more.length === 0 &&
        event !== undefined &&
        event.pid === notes.get('shell') &&
        event.ppid === notes.get('monitor') &&
        event.uid === 0 &&
        event.comm === 'true' &&
        event.path === '/bin/true'
      );
    },
  },
});
