/** A relation over the numbers 0 to n - 1: at most 64 of them, a row of bits for each. */
export class Relation {
  readonly n: number;
  readonly #rows: bigint[];

  constructor(n: number, rows: bigint[] = Array.from({ length: n }, () => 0n)) {
    this.n = n;
    this.#rows = rows;
  }

  static of(n: number, holds: (a: number, b: number) => boolean): Relation {
    const made = new Relation(n);
    for (let a = 0; a < n; a++) for (let b = 0; b < n; b++) if (holds(a, b)) made.add(a, b);
    return made;
  }

  add(a: number, b: number): void {
    this.#rows[a]! |= 1n << BigInt(b);
  }

  has(a: number, b: number): boolean {
    return ((this.#rows[a]! >> BigInt(b)) & 1n) === 1n;
  }

  or(...others: readonly Relation[]): Relation {
    const rows = this.#rows.map((row, a) => others.reduce((sum, r) => sum | r.#rows[a]!, row));
    return new Relation(this.n, rows);
  }

  and(other: Relation): Relation {
    return new Relation(
      this.n,
      this.#rows.map((row, a) => row & other.#rows[a]!),
    );
  }

  minus(other: Relation): Relation {
    return new Relation(
      this.n,
      this.#rows.map((row, a) => row & ~other.#rows[a]!),
    );
  }

  /** This, then the other: `r ; s`. */
  seq(...others: readonly Relation[]): Relation {
    return others.reduce<Relation>((left, right) => left.#compose(right), this);
  }

  inverse(): Relation {
    return Relation.of(this.n, (a, b) => this.has(b, a));
  }

  /** With the identity: `r?`. */
  orSame(): Relation {
    return new Relation(
      this.n,
      this.#rows.map((row, a) => row | (1n << BigInt(a))),
    );
  }

  /** `r+` */
  plus(): Relation {
    const rows = [...this.#rows];
    for (let via = 0; via < this.n; via++) {
      for (let a = 0; a < this.n; a++) {
        if (((rows[a]! >> BigInt(via)) & 1n) === 1n) rows[a]! |= rows[via]!;
      }
    }
    return new Relation(this.n, rows);
  }

  /** `r*` */
  star(): Relation {
    return this.plus().orSame();
  }

  get isEmpty(): boolean {
    return this.#rows.every((row) => row === 0n);
  }

  get isIrreflexive(): boolean {
    return this.#rows.every((row, a) => ((row >> BigInt(a)) & 1n) === 0n);
  }

  get isAcyclic(): boolean {
    return this.plus().isIrreflexive;
  }

  #compose(other: Relation): Relation {
    const rows = this.#rows.map((row) => {
      let sum = 0n;
      for (let b = 0; b < this.n; b++) if (((row >> BigInt(b)) & 1n) === 1n) sum |= other.#rows[b]!;
      return sum;
    });
    return new Relation(this.n, rows);
  }
}
