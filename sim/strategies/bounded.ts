import { assert } from '../../base/assert.ts';
import type { Choice } from '../choice.ts';
import type { Estimate, Strategy } from '../strategy.ts';

export interface BoundedOptions {
  /** Schedules with more deviations than this are left out. Default: none are. */
  readonly bound?: number;
  /** Count only those that preempt, or are no switch: where a switch has to be, any is as good. */
  readonly preemptions?: boolean;
  /** Runs kept for the deeper levels, 16 bytes each. Beyond it the order is lost, not a run. */
  readonly nodesMax?: number;
}

const NODES_MAX = 2 ** 21;

/**
 * Every schedule exactly once: first the one that stays, then those with one deviation, with two,
 * and so on, so that the first failure found has as few deviations as any. Keeps no states: each
 * run starts anew and follows its prefix.
 *
 * Level b + 1 is made from the runs of level b: a schedule of b + 1 deviations without its last
 * one *is* a run of level b, which is therefore all that need be remembered (and its number of
 * choices). The children of such a node are run from its last choice backwards, since the first
 * of them then shows how many options there were at all the choices before. A node that there is
 * no room to remember has its whole subtree run at once, depth first.
 *
 * The iteration is that of Musuvathi and Qadeer: Iterative Context Bounding for Systematic
 * Testing of Multithreaded Programs, PLDI 2007, with deviations of every kind counted. As there,
 * `preemptions` leaves out switches away from who cannot go on: such a one costs nothing. Then a
 * level has, below each run, also those with more free deviations behind its last; these are run
 * at once, each a node in its turn.
 *
 * Unlike other strategies, a run cannot be made again from its number: use its schedule.
 */
export class Bounded implements Strategy {
  readonly name: string;
  readonly #bound: number;
  readonly #isByPreemptions: boolean;
  readonly #nodes: NodeList;
  /** The skip at each choice of the present run, forced up to `#length`, and what was there. */
  #skips = new Int32Array(64);
  #counts = new Int32Array(64);
  /** 1 at each choice at which to deviate costs nothing. */
  #free = new Int32Array(64);
  #length = 0;
  /** Nodes of this level along the present run, from that whose child it is: choice and node. */
  #path: { readonly at: number; readonly node: number }[] = [];
  /** The node whose children are being run, and the first choice at which they may deviate. */
  #node = ROOT;
  #floor = 0;
  /** Deviations of the runs at this level; from choice `#deepFrom` on, up to the bound. */
  #level = 0;
  #deepFrom = Infinity;
  /** Runs of the present level, and how many there are; how many of the next, so far. */
  #levelRuns = 0;
  #levelTotal = 1;
  #nextTotal = 0;
  #isUnordered = false;
  /** Deviations forced in the present run. */
  #used = 0;
  #phase: 'first' | 'more' | 'over' = 'first';
  #cut = false;

  constructor(options: BoundedOptions = {}) {
    const { bound = Infinity, nodesMax = NODES_MAX, preemptions = false } = options;
    const name = preemptions ? 'preemptions' : 'exhaustive';
    this.name = bound === Infinity ? name : `${name}:${bound}`;
    this.#bound = bound;
    this.#isByPreemptions = preemptions;
    this.#nodes = new NodeList(nodesMax);
  }

  /** True once every schedule has been run and none was left out for its deviations. */
  get exhausted(): boolean {
    return this.#phase === 'over' && !this.#cut;
  }

  get covered(): string | undefined {
    if (this.#phase !== 'over' || !this.#cut) return undefined;
    const what = this.#isByPreemptions ? 'preemption' : 'deviation';
    return `every schedule of at most ${this.#bound} ${what}${this.#bound === 1 ? '' : 's'}`;
  }

  /** Of the schedules with as many deviations as now; once their order is lost, nothing. */
  get estimate(): Estimate | undefined {
    if (this.#phase !== 'more' || this.#level === 0) return undefined;
    if (this.#isUnordered || this.#isByPreemptions) return undefined;
    const of = `${this.#level} deviation${this.#level === 1 ? '' : 's'}`;
    return { of, done: this.#levelRuns, total: this.#levelTotal, isExact: true };
  }

  begin(): boolean {
    if (this.#phase === 'first') this.#phase = 'more';
    else if (this.#phase === 'more' && !this.#toNextSibling() && !this.#toNextNode()) {
      this.#phase = 'over';
    }
    return this.#phase === 'more';
  }

  choose(choice: Choice): number {
    const { index, count, stay } = choice;
    if (index >= this.#counts.length) this.#makeRoom();
    this.#counts[index] = count;
    this.#free[index] = this.#isByPreemptions && choice.isForced ? 1 : 0;
    if (index >= this.#length) {
      this.#nextTotal += count - 1;
      this.#skips[index] = 0;
      return stay;
    }
    const skip = this.#skips[index]!;
    assert(skip < count, `a model that varies: choice ${index} lost options; see strategy twice`);
    const taken = stay + skip;
    return taken < count ? taken : taken - count;
  }

  end(choiceCount: number): void {
    assert(choiceCount >= this.#length, 'a model that varies: fewer choices; see strategy twice');
    const deviatedAt = this.#length - 1;
    this.#levelRuns++;
    this.#length = choiceCount;
    if (choiceCount === deviatedAt + 1) return; // nothing after the last deviation: no children
    let dear = choiceCount;
    while (dear > deviatedAt + 1 && this.#free[dear - 1] === 1) dear--;
    if (this.#used >= this.#bound) this.#cut ||= dear > deviatedAt + 1;
    else if (this.#deepFrom === Infinity) this.#remember(deviatedAt, dear);
  }

  /** The run as a node of its level. Its children deviate before choice `dear`, if at all. */
  #remember(deviatedAt: number, dear: number): void {
    while (this.#path.length > 0 && this.#path.at(-1)!.at >= deviatedAt) this.#path.pop();
    const parent = this.#path.at(-1)?.node ?? this.#node;
    const skip = deviatedAt < 0 ? 0 : this.#skips[deviatedAt]!;
    const isFree = deviatedAt >= 0 && this.#free[deviatedAt] === 1;
    if (this.#nodes.add(parent, deviatedAt, isFree ? -skip : skip, dear)) {
      this.#path.push({ at: deviatedAt, node: this.#nodes.count - 1 });
    } else {
      this.#deepFrom = deviatedAt + 1;
      this.#isUnordered = true;
    }
  }

  /** The next schedule below the present node: the last choice that can deviate further does. */
  #toNextSibling(): boolean {
    for (let index = this.#length - 1; index >= this.#floor; index--) {
      const skip = this.#skips[index]!;
      const isFree = this.#free[index] === 1;
      if (skip > 0 && !isFree) this.#used--;
      if (index < this.#deepFrom) this.#deepFrom = Infinity; // that subtree is done
      const limit = index >= this.#deepFrom ? this.#bound : this.#level;
      // A free one before what this level adds is another node's.
      const isOpen = isFree ? this.#used >= this.#level : this.#used < limit;
      if (isOpen && skip + 1 < this.#counts[index]!) {
        this.#skips[index] = skip + 1;
        if (!isFree) this.#used++;
        this.#length = index + 1;
        return true;
      }
      this.#skips[index] = 0;
    }
    return false;
  }

  /** The first child of the node after the present one; false where there is no more node. */
  #toNextNode(): boolean {
    let node = this.#level === 0 ? ROOT : this.#node + 1;
    while (node < this.#nodes.count && !this.#nodes.hasChildren(node)) node++;
    this.#node = node;
    if (node >= this.#nodes.count) return false;
    this.#deepFrom = Infinity;
    this.#path = [];
    this.#length = this.#nodes.lengthOf(node);
    while (this.#length > this.#skips.length) this.#makeRoom();
    this.#skips.fill(0, 0, this.#length);
    this.#floor = this.#nodes.atOf(this.#node) + 1;
    this.#used = this.#nodes.spell(this.#node, this.#skips) + 1;
    if (this.#used > this.#level) {
      this.#levelRuns = 0;
      this.#levelTotal = this.#nextTotal;
      this.#nextTotal = 0;
    }
    this.#level = this.#used;
    this.#skips[this.#length - 1] = 1;
    return true;
  }

  #makeRoom(): void {
    this.#skips = grown(this.#skips, 2 * this.#skips.length);
    this.#counts = grown(this.#counts, 2 * this.#counts.length);
    this.#free = grown(this.#free, 2 * this.#free.length);
  }
}

/** The run that stays: its own parent. */
const ROOT = 0;

/** Columns of a node; SKIP is below zero where it cost nothing. */
const PARENT = 0;
const AT = 1;
const SKIP = 2;
const LENGTH = 3;
const COLUMNS = 4;

/** Runs with choices after their last deviation, in the order in which they were made. */
class NodeList {
  readonly #countMax: number;
  #cells = new Int32Array(COLUMNS * 64);
  #count = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  get count(): number {
    return this.#count;
  }

  /** False where the list is full. */
  add(parent: number, at: number, skip: number, length: number): boolean {
    if (this.#count === this.#countMax) return false;
    const start = this.#count++ * COLUMNS;
    if (start === this.#cells.length) this.#cells = grown(this.#cells, 2 * this.#cells.length);
    this.#cells[start + PARENT] = parent;
    this.#cells[start + AT] = at;
    this.#cells[start + SKIP] = skip;
    this.#cells[start + LENGTH] = length;
    return true;
  }

  /** Index of the choice at which a node's run deviates last; -1 for the root. */
  atOf(node: number): number {
    return this.#cells[node * COLUMNS + AT]!;
  }

  /** Choices up to the last at which a child deviates. */
  lengthOf(node: number): number {
    return this.#cells[node * COLUMNS + LENGTH]!;
  }

  hasChildren(node: number): boolean {
    return this.lengthOf(node) > this.atOf(node) + 1;
  }

  /** Writes the deviations of a node's run into `skips`, all 0 before; returns what they cost. */
  spell(node: number, skips: Int32Array): number {
    let cost = 0;
    for (let at = node; at !== ROOT; at = this.#cells[at * COLUMNS + PARENT]!) {
      const skip = this.#cells[at * COLUMNS + SKIP]!;
      skips[this.#cells[at * COLUMNS + AT]!] = Math.abs(skip);
      if (skip > 0) cost++;
    }
    return cost;
  }
}

function grown(cells: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(length);
  larger.set(cells);
  return larger;
}
