/** Placeholder until values come: see the owner's commit. */
export class Scalar {
  static readonly UNKNOWN: Scalar = new Scalar();
  static readonly ZERO: Scalar = Scalar.of(0n);
  readonly isConst: boolean = false;
  readonly value: bigint = 0n;
  static of(_value: bigint): Scalar {
    return new Scalar();
  }
}
