import { Attr } from '../../bpf/user/attr.ts';
import { PAGE_SIZE } from '../../kernel/memory.ts';
import type { Sim } from '../../sim/request.ts';
import type { Proc } from '../proc.ts';
import { ints, wordAt } from '../user-memory.ts';
import registered from './registered.bpf.o';

/** Numbers of the patch. */
const PR_BPF_REGISTER_WRITABLE = 71;
const PR_BPF_UNREGISTER_WRITABLE = 72;
/** The tag of the patch's own tests. */
export const TAG = 0xf23c39ab;

/** Where programs are to write what. */
export interface Wish {
  readonly addr: number;
  readonly size?: number;
  readonly value?: number;
  readonly tag?: number;
}

/** struct told: registered.bpf.c */
export interface Told {
  readonly done: number;
  readonly refused: number;
  readonly absent: number;
}

export function* register(p: Proc, addr: number, size: number, tag = TAG): Sim<number> {
  return yield* p.prctl(PR_BPF_REGISTER_WRITABLE, addr, size, tag);
}

export function* unregister(p: Proc, addr: number, size: number): Sim<number> {
  return yield* p.prctl(PR_BPF_UNREGISTER_WRITABLE, addr, size);
}

/** What stands in registered.bpf.o: loaded where it is asked for, and hung on an event by hand. */
export const ON_NMI = 'on_nmi';

/** In setup: loads the programs; processes inherit the descriptors. Of events, these are traced. */
export function* loadRegistered(init: Proc, ...attached: readonly string[]): Sim<void> {
  const object = init.openObject(registered, 'registered.bpf.o');
  const onNmi = object.program(ON_NMI);
  onNmi.isWanted = attached.includes(ON_NMI);
  yield* object.load();
  if (onNmi.isWanted) init.note(ON_NMI, onNmi.fd);
  for (const name of attached) if (name !== ON_NMI) yield* object.program(name).attach();
  for (const name of ['wishes', 'results']) init.note(name, object.map(name).fd);
  for (const name of ['event', 'interrupt']) init.note(name, object.program(name).fd);
}

/** An event in the context of the process: what the helper has returned. */
export function* event(p: Proc, wish: Wish): Sim<number> {
  const { result, retval } = yield* p.calls.testRun(p.noted('event') as number, {
    ctxIn: bytesOf(wish),
  });
  p.ok(result);
  return retval | 0;
}

/** From now on events of the process `pid` are told there. */
export function* wishFor(p: Proc, pid: number, wish: Wish): Sim<void> {
  const bytes = bytesOf(wish, pid);
  p.ok(yield* p.calls.mapUpdate(p.noted('wishes') as number, ints(0), bytes));
}

/** What has become of events so far. */
export function* told(p: Proc): Sim<Told> {
  const fd = p.noted('results') as number;
  const bytes = p.ok(yield* p.calls.mapLookup(fd, ints(0), 24));
  return { done: wordAt(bytes, 0), refused: wordAt(bytes, 8), absent: wordAt(bytes, 16) };
}

/** Of memory that stands at the same place in every program: its stack. */
export function stackOf(p: Proc): number {
  p.port.begin();
  return p.port.reserve(8) + 3 * PAGE_SIZE;
}

function bytesOf({ addr, size = 4, value = 1, tag = TAG }: Wish, pid = 0): Uint8Array {
  return new Attr(32).u64(0, addr).u64(8, value).u32(16, tag).u32(20, size).u32(24, pid).bytes;
}
