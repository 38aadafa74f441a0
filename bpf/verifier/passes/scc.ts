import type { VerifierEnv } from '../env.ts';
import { insnSuccessors } from './successors.ts';

const NOT_ON_STACK = 0xffff_ffff;

/** Tarjan's algorithm with an own stack instead of recursion. */
class Components {
  readonly #env: VerifierEnv;
  readonly #pre: Uint32Array;
  readonly #low: Uint32Array;
  readonly #stack: number[] = [];
  #nextPreorder = 1;
  #nextScc = 1;

  constructor(env: VerifierEnv) {
    this.#env = env;
    this.#pre = new Uint32Array(env.insns.length);
    this.#low = new Uint32Array(env.insns.length);
  }

  /** One more than the highest number given. */
  run(): number {
    for (let root = 0; root < this.#pre.length; root++) {
      if (this.#pre[root] === 0) this.#explore(root);
    }
    return this.#nextScc;
  }

  #explore(root: number): void {
    const path = [root];
    while (path.length > 0) {
      const at = path.at(-1)!;
      if (this.#pre[at] === 0) this.#enter(at);
      const next = this.#unseenSuccessor(at);
      if (next !== undefined) {
        path.push(next);
        continue;
      }
      if (this.#low[at] === this.#pre[at]) this.#finish(at);
      path.pop();
    }
  }

  #enter(at: number): void {
    this.#pre[at] = this.#nextPreorder;
    this.#low[at] = this.#nextPreorder;
    this.#nextPreorder++;
    this.#stack.push(at);
  }

  #unseenSuccessor(at: number): number | undefined {
    const low = this.#low;
    for (const successor of insnSuccessors(this.#env, at)) {
      if (this.#pre[successor] === 0) return successor;
      low[at] = Math.min(low[at]!, low[successor]!);
    }
    return undefined;
  }

  /** Its component is complete; alone, it is one only if it is a loop by itself. */
  #finish(root: number): void {
    const aux = this.#env.aux;
    const isScc =
      this.#stack.at(-1) !== root ||
      insnSuccessors(this.#env, root).includes(root) ||
      aux[root]!.callsCallback;
    for (let member = -1; member !== root;) {
      member = this.#stack.pop()!;
      this.#low[member] = NOT_ON_STACK;
      if (isScc) aux[member]!.scc = this.#nextScc;
    }
    if (isScc) this.#nextScc++;
  }
}

/** Which loop an instruction belongs to, if any. bpf_compute_scc() */
export function computeScc(env: VerifierEnv): void {
  env.sccCnt = new Components(env).run();
}
