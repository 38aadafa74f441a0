import { assert } from '../../base/assert.ts';
import { ABANDON, type Choice } from '../choice.ts';
import { Enabling } from '../dpor/enabling.ts';
import { Execution, type Reversible } from '../dpor/execution.ts';
import { Step } from '../dpor/step.ts';
import { insert, isInitial, isWeakInitial, type Branch } from '../dpor/wakeup-tree.ts';
import { COMMUTING, WAIT, type Access, type Request } from '../request.ts';
import type { Estimate, Observer, Strategy } from '../strategy.ts';

export interface DporOptions {
  /** `optimal`: wakeup trees; `source`: single steps, which may lead to runs that are given up. */
  readonly sets: 'optimal' | 'source';
  /** Whether additions whose result nobody looks at may change places. */
  readonly commuting: boolean;
}

const NOBODY = new Int32Array(0);

/** A state that the present run comes through, and what is known of the ways to go on from it. */
interface Node {
  /** By actor: steps that need not be taken here, since what they lead to has been seen. */
  readonly sleep: Map<number, Step>;
  /** What is still to be taken here, after `step`. */
  readonly tree: Branch[];
  /** What is taken in the present run. */
  step: Step;
  /** The same with other outcomes, as it was taken in earlier runs. */
  seen: Step[];
  /** Branches that have been taken before the present one. */
  taken: number;
}

/**
 * Every behaviour once: schedules that differ only in the order of independent steps count as one.
 * After each run the pairs of dependent steps that could have come in the other order are found,
 * and for each a sequence is kept that takes them so, where no other one does. Steps are
 * dependent where they touch the same bytes, not both reading, or where one lets or stops the
 * other; the outcomes that a step draws (does this allocation fail?) are all tried.
 *
 * Abdulla, Aronsson, Jonsson, Sagonas: Source Sets: A Foundation for Optimal Dynamic Partial Order
 * Reduction, J. ACM 64(4), 2017: algorithm 2 for `optimal`, algorithm 1 for `source`.
 *
 * A run cannot be made again from its number: use its schedule.
 */
export class Dpor implements Strategy, Observer {
  readonly name: string;
  readonly observer = this;
  readonly goesByBytes = true;
  readonly #options: DporOptions;
  #exhausted = false;
  /** Whether something may have been missed. */
  #isPartial = false;
  #blockedRuns = 0;
  #voidRuns = 0;
  /** Words for values of which somebody waits: additions to them do not change places. */
  readonly #awaited = new Set<number>();
  readonly #added = new Set<number>();
  #runs = 0;
  #startsAnew = false;
  /** The states of the present run that the one before left; then all of them. */
  #nodes: Node[] = [];
  /** What the tree says of the state behind the last of them. */
  #inherited: Branch[] = [];
  /** Index from which on the present run is new. */
  #newFrom = 0;

  // The present run.
  #steps: Step[] = [];
  #sleep = new Map<number, Step>();
  #drawnCount = 0;
  readonly #enabling = new Enabling();

  constructor(options: DporOptions = { sets: 'optimal', commuting: true }) {
    this.#options = options;
    const words = ['dpor'];
    if (options.sets === 'source') words.push('source');
    if (!options.commuting) words.push('ordered');
    this.name = words.join(':');
  }

  /** Where a run ended before its time, or a step could not be taken as planned, never true. */
  get exhausted(): boolean {
    return this.#exhausted && !this.#isPartial;
  }

  /** Runs given up half-way, what they led to having been seen: none with `optimal`. */
  get blockedRuns(): number {
    return this.#blockedRuns;
  }

  /** Runs made before it was known that somebody waits for a word that others add to. */
  get voidRuns(): number {
    return this.#voidRuns;
  }

  /**
   * By the branches along the present run: what lies behind each that is left is taken to be as
   * much as behind those that were taken. New branches come up all the time, so that it grows.
   * Knuth: Estimating the efficiency of backtrack programs, Math. Comp. 29(129), 1975.
   */
  get estimate(): Estimate | undefined {
    let share = 1;
    let past = 0;
    for (const { taken, tree } of this.#nodes) {
      share /= taken + 1 + tree.length;
      past += taken * share;
    }
    const done = this.#runs - this.#voidRuns - this.#blockedRuns;
    if (past === 0) return undefined;
    return { of: this.name, done, total: Math.round(done / past), isExact: false };
  }

  begin(run: number): boolean {
    if (this.#startsAnew) {
      this.#nodes = [];
      this.#voidRuns = this.#runs - this.#blockedRuns;
    }
    if (!this.#startsAnew && run > 0 && !this.#backtrack()) {
      this.#exhausted = true;
      return false;
    }
    if (this.#startsAnew) this.#newFrom = 0;
    this.#startsAnew = false;
    this.#runs++;
    this.#steps = [];
    this.#sleep = new Map();
    this.#enabling.reset();
    return true;
  }

  choose(choice: Choice): number {
    if (choice.kind !== 'sched') return this.#draw(choice.count);
    const { options, count, stay } = choice;
    this.#look(options, count);
    const actor = this.#next(options, count, options[stay]!);
    for (let i = 0; i < count; i++) if (options[i] === actor) return i;
    this.#giveUp(actor);
    return ABANDON;
  }

  acting(actor: number, options: Int32Array, count: number): boolean {
    this.#look(options, count);
    const next = count === 1 ? this.#next(options, count, actor) : actor;
    if (next !== actor) {
      this.#giveUp(next);
      return false;
    }
    const index = this.#steps.length;
    const step = new Step(actor, index);
    this.#enabling.acting(step);
    this.#drawnCount = 0;
    if (index < this.#nodes.length) {
      step.drawn = this.#nodes[index]!.step.drawn;
      this.#nodes[index]!.step = step;
    } else {
      this.#nodes.push(this.#newNode(step));
    }
    this.#steps.push(step);
    return true;
  }

  touched(addr: number, size: number, access: Access): void {
    this.#steps.at(-1)?.touch(addr, size, access);
  }

  acted(request: Request | null): void {
    const step = this.#steps.at(-1)!;
    if (request) this.#finish(step, request);
    if (this.#steps.length < this.#nodes.length) return;
    this.#sleep = new Map();
    for (const [actor, asleep] of this.#nodes.at(-1)!.sleep) {
      if (!asleep.conflictsWith(step)) this.#sleep.set(actor, asleep);
    }
  }

  stuck(actor: number, request: Request): void {
    const step = new Step(actor, this.#steps.length);
    this.#finish(step, request);
    this.#enabling.stuck(step);
  }

  cutShort(): void {
    this.#isPartial = true;
  }

  /** Whoever else could have acted could have done so before. */
  stopped(): void {
    const last = this.#steps.at(-1)!;
    last.endsRun = true;
    this.#enabling.look(NOBODY, 0, last);
  }

  /** The run is over: whatever it shows of other orders goes into the trees. */
  end(): void {
    if (this.#startsAnew) return;
    const execution = new Execution(this.#steps);
    // Of steps in common with the run before, the races are known, and what they lead to: unless
    // it is only the outcomes that are new.
    const isOutcome = (this.#nodes[this.#newFrom]?.seen.length ?? 0) > 0;
    const from = isOutcome ? 0 : this.#newFrom;
    for (const race of execution.races(from)) this.#plan(race, execution);
    for (const race of execution.missed(this.#enabling.missed())) this.#plan(race, execution);
    for (let index = this.#newFrom; index < this.#steps.length; index++) {
      for (const step of this.#steps[index]!.alternatives()) this.#planOutcome(step);
    }
  }

  /** Nobody can act but those asleep; or `actor` was to act, and cannot. */
  #giveUp(actor: number): void {
    this.#blockedRuns++;
    if (actor !== ABANDON) this.#isPartial = true;
  }

  #finish(step: Step, request: Request): void {
    const { addr, kind, order } = request;
    if (kind === WAIT && !this.#awaited.has(addr)) {
      this.#awaited.add(addr);
      // What was concluded of additions before it was known that somebody waits, is void.
      if (this.#added.has(addr)) this.#startsAnew = true;
    }
    const commuting = this.#options.commuting && !this.#awaited.has(addr);
    if (commuting && (order & COMMUTING) !== 0) this.#added.add(addr);
    step.finish(request, commuting);
  }

  /** Who could act, before the next step. */
  #look(options: Int32Array, count: number): void {
    for (const actor of this.#enabling.look(options, count, this.#steps.at(-1))) {
      this.#sleep.delete(actor);
    }
  }

  /** Who acts next; ABANDON where all that is left has been seen. */
  #next(options: Int32Array, count: number, stay: number): number {
    const index = this.#steps.length;
    if (index < this.#nodes.length) return this.#nodes[index]!.step.actor;
    const first = this.#inherited[0];
    if (first) return first.step.actor;
    if (!this.#sleep.has(stay)) return stay;
    for (let i = 0; i < count; i++) if (!this.#sleep.has(options[i]!)) return options[i]!;
    return ABANDON;
  }

  #newNode(step: Step): Node {
    const [first, ...rest] = this.#inherited;
    if (first) step.drawn = first.step.drawn;
    this.#inherited = first?.next ?? [];
    return { sleep: this.#sleep, tree: rest, step, seen: [], taken: 0 };
  }

  #draw(count: number): number {
    const step = this.#steps.at(-1)!;
    const at = this.#drawnCount++;
    if (at === step.drawn.length) step.drawn = [...step.drawn, { taken: 0, count }];
    const { taken, count: before } = step.drawn[at]!;
    assert(before === count, 'dpor: a model that varies; see strategy twice');
    return taken;
  }

  /** To the last state of the run from which something is left to take; false where none is. */
  #backtrack(): boolean {
    for (let node = this.#nodes.at(-1); node; node = this.#nodes.at(-1)) {
      const branch = nextBranch(node);
      if (branch) {
        node.step = new Step(branch.step.actor, node.step.index);
        node.step.drawn = branch.step.drawn;
        this.#inherited = branch.next;
        break;
      }
      this.#nodes.pop();
    }
    this.#newFrom = this.#nodes.length - 1;
    return this.#nodes.length > 0;
  }

  /**
   * The step is to be taken with other outcomes too, unless something asleep does not depend on
   * it: after that, they have been seen, or come up as a race.
   */
  #planOutcome(step: Step): void {
    const { sleep, tree, seen } = this.#nodes[step.index]!;
    if (seen.some((other) => other.isAs(step))) return;
    if (tree.some((branch) => branch.step.isAs(step))) return;
    if (this.#options.sets === 'optimal') {
      for (const asleep of sleep.values()) if (!asleep.conflictsWith(step)) return;
    }
    tree.unshift({ step, next: [] });
  }

  #plan(race: Reversible, execution: Execution): void {
    const { sleep, tree, step } = this.#nodes[race.first.index]!;
    if (this.#options.sets === 'source') {
      const sequence = execution.reversal(race, race.second.index);
      const initials = sequence.filter((_, i) => isInitial(sequence, i));
      const isThere = (initial: Step) =>
        initial.isAs(step) || sleep.has(initial.actor) || tree.some((to) => to.step.isAs(initial));
      if (!initials.some(isThere)) tree.push({ step: initials[0]!, next: [] });
      return;
    }
    const sequence = execution.reversal(race);
    for (const asleep of sleep.values()) if (isWeakInitial(asleep, sequence)) return;
    insert(sequence, tree);
  }
}

/**
 * Takes the next branch from a tree. The actor that has just had its turn goes to sleep, but not
 * before its other outcomes that are to be tried: they come first.
 */
function nextBranch(node: Node): Branch | undefined {
  const { step, tree } = node;
  node.taken++;
  node.seen.push(step);
  const again = tree.findIndex((branch) => branch.step.actor === step.actor);
  if (again >= 0) return tree.splice(again, 1)[0];
  for (const other of node.seen) if (other !== step) step.merge(other);
  node.sleep.set(step.actor, step);
  node.seen = [];
  return tree.shift();
}
