import type { Candidate, Event } from './candidates.ts';
import type { Tag } from './program.ts';
import { Relation } from './relation.ts';

export const MODELS = ['sc', 'tso', 'weak'] as const;
export type ModelName = (typeof MODELS)[number];

/** Whether a model allows an execution. `weak` is the model of the language: LKMM, or BPF's. */
export function allows(model: ModelName, candidate: Candidate, language: 'C' | 'BPF'): boolean {
  const made = new Made(candidate);
  if (!made.isCoherent || !made.isAtomic) return false;
  if (model === 'sc') return made.po.or(made.rf, made.co, made.fr).isAcyclic;
  if (model === 'tso') return isTso(made);
  return language === 'C' ? isLkmm(made) : isBpf(made);
}

/** An execution, and the relations that every model is made of. */
class Made {
  readonly n: number;
  readonly events: readonly Event[];
  readonly po: Relation;
  readonly rf: Relation;
  readonly co: Relation;
  readonly fr: Relation;
  readonly int: Relation;
  readonly ext: Relation;
  readonly rmw: Relation;
  readonly addr: Relation;
  readonly data: Relation;
  readonly ctrl: Relation;

  constructor({ events, po, rf, co }: Candidate) {
    const n = events.length;
    this.n = n;
    this.events = events;
    this.po = po;
    this.rf = rf;
    this.co = co;
    this.fr = rf.inverse().seq(co);
    this.int = Relation.of(n, (a, b) => events[a]!.thread === events[b]!.thread);
    this.ext = Relation.of(n, (a, b) => events[a]!.thread !== events[b]!.thread);
    this.rmw = Relation.of(n, (a, b) => events[b]!.rmwOf === a);
    this.addr = Relation.of(n, (a, b) => events[b]!.addr.includes(a));
    this.data = Relation.of(n, (a, b) => events[b]!.data.includes(a));
    this.ctrl = Relation.of(n, (a, b) => events[b]!.ctrl.includes(a));
  }

  get isCoherent(): boolean {
    const { events, po } = this;
    const same = Relation.of(
      this.n,
      (a, b) => events[a]!.variable !== '' && events[a]!.variable === events[b]!.variable,
    );
    return po.and(same).or(this.rf, this.co, this.fr).isAcyclic;
  }

  get isAtomic(): boolean {
    return this.rmw.and(this.fr.and(this.ext).seq(this.co.and(this.ext))).isEmpty;
  }

  /** The identity on the events that are such: `[S]`. */
  only(holds: (event: Event) => boolean): Relation {
    return Relation.of(this.n, (a, b) => a === b && holds(this.events[a]!));
  }

  /** Pairs with a fence of that kind between them. */
  fenced(tag: Tag): Relation {
    return this.po.seq(
      this.only((event) => event.kind === 'F' && event.tag === tag),
      this.po,
    );
  }
}

const isRead = ({ kind }: Event): boolean => kind === 'R';
const isWrite = ({ kind }: Event): boolean => kind === 'W';
const isMemory = ({ kind }: Event): boolean => kind !== 'F';

/** Loads may pass earlier stores to other places, unless something fenced stands between. */
function isTso(made: Made): boolean {
  const { po, rf, co, fr, ext } = made;
  const read = made.only(isRead);
  const write = made.only(isWrite);
  const memory = made.only(isMemory);
  const locked = made.only(({ rmwOf }) => rmwOf >= 0).or(readsOfRmw(made));
  const ppo = memory.seq(po, memory).minus(write.seq(po, read));
  const fence = memory
    .seq(made.fenced('mb'), memory)
    .or(
      memory.seq(made.fenced('sync-rcu'), memory),
      memory.seq(po, locked),
      locked.seq(po, memory),
    );
  return ppo.or(fence, rf.and(ext), co, fr).isAcyclic;
}

/** The identity on the reads of read-modify-writes that have written. */
function readsOfRmw(made: Made): Relation {
  return Relation.of(made.n, (a, b) => a === b && made.events.some(({ rmwOf }) => rmwOf === a));
}

/**
 * The Linux kernel's model: Alglave, Maranget, McKenney, Parri, Stern, Frightening Small Children
 * and Disconcerting Grown-ups, ASPLOS 2018; tools/memory-model/linux-kernel.cat.
 */
function isLkmm(made: Made): boolean {
  const { po, rf, co, fr, int, ext, rmw, addr, data, ctrl } = made;
  const marked = made.only((event) => event.kind !== 'F' && event.tag !== 'plain');
  const plain = made.only(({ tag }) => tag === 'plain');
  const read = made.only(isRead);
  const write = made.only(isWrite);
  const memory = made.only(isMemory);
  const rfi = rf.and(int);
  const rfe = rf.and(ext);
  const returning = made.only(({ kind, tag }) => kind === 'R' && tag !== 'noreturn');
  const rmb = returning.seq(made.fenced('rmb'), returning);
  const wmb = write.seq(made.fenced('wmb'), write);
  const mb = fullFences(made);
  const sync = made.only(({ kind, tag }) => kind === 'F' && tag === 'sync-rcu');
  const gp = po.seq(sync, po.orSame());
  const acquires = made.only(({ kind, tag }) => kind === 'R' && tag === 'acquire');
  const releases = made.only(({ kind, tag }) => kind === 'W' && tag === 'release');
  const poRel = memory.seq(po, releases);
  const acqPo = acquires.seq(po, memory);
  const unlockLock = po.seq(
    releases,
    po.or(rf),
    made.only((e) => e.locks && e.kind === 'R'),
    po,
  );
  const handOver = memory.seq(unlockLock, memory);

  const strongFence = mb.or(gp);
  const fence = strongFence.or(poRel, acqPo, wmb, rmb);
  const dep = addr.or(data);
  const overwrite = co.or(fr);
  const toWrite = dep.or(ctrl).seq(write).or(overwrite.and(int), addr.seq(plain, wmb));
  const toRead = addr.seq(read).or(dep.seq(marked, rfi));
  const ppo = toRead.or(toWrite, fence.and(int), handOver.and(int));

  const cumulative = (r: Relation): Relation => rfe.seq(marked).orSame().seq(r);
  const sequence = rf.seq(rmw).star();
  const cumulFence = marked.seq(
    cumulative(strongFence.or(poRel)).or(wmb, handOver),
    marked,
    sequence,
  );
  const prop = marked.seq(
    overwrite.and(ext).orSame(),
    cumulFence.star(),
    marked,
    rfe.orSame(),
    marked,
  );
  const same = Relation.of(made.n, (a, b) => a === b);
  const hb = marked.seq(ppo.or(rfe, prop.minus(same).and(int)), marked);
  if (!hb.isAcyclic) return false;
  const pb = prop.seq(strongFence, hb.star(), marked);
  if (!pb.isAcyclic) return false;
  return isRcu(made, { sync, hb, pb, prop });
}

interface ForRcu {
  readonly sync: Relation;
  readonly hb: Relation;
  readonly pb: Relation;
  readonly prop: Relation;
}

/** A critical section does not span a grace period. */
function isRcu(made: Made, { sync, hb, pb, prop }: ForRcu): boolean {
  const { po } = made;
  const sections = criticalSections(made).inverse();
  if (sync.isEmpty && sections.isEmpty) return true;
  const link = po.orSame().seq(hb.star(), pb.star(), prop, po);
  let order = sync.or(sync.seq(link, sections), sections.seq(link, sync));
  for (;;) {
    const more = order.or(
      sync.seq(link, order, link, sections),
      sections.seq(link, order, link, sync),
      order.seq(link, order),
    );
    if (more.minus(order).isEmpty) break;
    order = more;
  }
  const fence = po.seq(order, po.orSame());
  const marked = made.only((event) => event.kind !== 'F' && event.tag !== 'plain');
  return prop.seq(fence, hb.star(), pb.star(), marked).isIrreflexive;
}

/** From each outermost rcu_read_lock() to its rcu_read_unlock(). */
function criticalSections(made: Made): Relation {
  const sections = new Relation(made.n);
  const open = new Map<number, number[]>();
  made.events.forEach(({ kind, tag, thread }, i) => {
    if (kind !== 'F') return;
    const stack = open.get(thread) ?? [];
    open.set(thread, stack);
    if (tag === 'rcu-lock') stack.push(i);
    if (tag !== 'rcu-unlock') return;
    const start = stack.pop();
    if (start !== undefined && stack.length === 0) sections.add(start, i);
  });
  return sections;
}

/** smp_mb() and what stands for it: around atomics, after a lock. */
function fullFences(made: Made): Relation {
  const { po } = made;
  const memory = made.only(isMemory);
  const atomic = made.only(({ rmwOf }) => rmwOf >= 0).or(readsOfRmw(made));
  const fence = (tag: Tag) => made.only((event) => event.kind === 'F' && event.tag === tag);
  const lockWrite = made.only((event) => event.locks && event.kind === 'W');
  return memory
    .seq(made.fenced('mb'), memory)
    .or(
      memory.seq(po, fence('before-atomic'), po, atomic, po.orSame(), memory),
      memory.seq(po.orSame(), atomic, po, fence('after-atomic'), po, memory),
      memory.seq(po.orSame(), lockWrite, po, fence('after-spinlock'), po, memory),
    );
}

/** BPF's model, as herd has it: herd/libdir/bpf.cat, with acquire loads and release stores. */
function isBpf(made: Made): boolean {
  const { po, rf, co, fr, int, ext, rmw, addr, data, ctrl } = made;
  const memory = made.only(isMemory);
  const read = made.only(isRead);
  const write = made.only(isWrite);
  const rfe = rf.and(ext);
  const full = made.only(({ full: isFull }) => isFull);
  const fetch = memory.seq(po, full).or(full.seq(po, memory));
  const acquires = made.only(({ kind, tag }) => kind === 'R' && tag === 'acquire');
  const releases = made.only(({ kind, tag }) => kind === 'W' && tag === 'release');
  const acquire = acquires.seq(po, memory);
  const release = memory.seq(po, releases);
  const ppo = fetch.or(
    acquire,
    release,
    read.seq(addr, memory),
    read.seq(data, write),
    read.seq(ctrl, write),
    memory.seq(addr.or(data), write, rf.and(int), read),
    memory.seq(addr, memory, po, write),
    rmw,
  );
  const hb = ppo.or(rfe).plus();
  if (!hb.isIrreflexive) return false;
  const cumulates = fetch.or(release);
  const prop = cumulates.or(rfe.seq(cumulates)).seq(hb.orSame());
  if (!prop.or(co).isAcyclic) return false;
  if (!fr.and(ext).seq(prop).isIrreflexive) return false;
  return fetch.or(co, rf, fr).isAcyclic;
}
