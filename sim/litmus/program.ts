/** A number, or the address of a variable: `&x`. */
export type Value = number | string;

export type Expression =
  | { readonly is: 'value'; readonly value: Value }
  | { readonly is: 'register'; readonly name: string }
  | {
      readonly is: 'binary';
      readonly op: string;
      readonly left: Expression;
      readonly right: Expression;
    };

/** What orders an access beside its dependencies, or a fence by itself. */
export type Tag =
  | 'plain'
  | 'once'
  | 'acquire'
  | 'release'
  | 'noreturn'
  | 'mb'
  | 'rmb'
  | 'wmb'
  | 'before-atomic'
  | 'after-atomic'
  | 'after-spinlock'
  | 'rcu-lock'
  | 'rcu-unlock'
  | 'sync-rcu';

export type Statement =
  | { readonly is: 'assign'; readonly register: string; readonly value: Expression }
  | {
      readonly is: 'load';
      readonly register: string;
      readonly at: Expression;
      readonly tag: Tag;
    }
  | { readonly is: 'store'; readonly at: Expression; readonly value: Expression; readonly tag: Tag }
  | Rmw
  | { readonly is: 'fence'; readonly tag: Tag }
  | {
      readonly is: 'if';
      readonly condition: Expression;
      readonly whenTrue: readonly Statement[];
      readonly whenFalse: readonly Statement[];
    }
  | { readonly is: 'jump'; readonly condition: Expression | null; readonly to: string }
  | { readonly is: 'label'; readonly name: string };

/** Reads, and writes what `next` makes of it unless `expected` is given and differs. */
export interface Rmw {
  readonly is: 'rmw';
  /** Gets the old value; null: nobody looks at it. */
  readonly register: string | null;
  readonly at: Expression;
  /** In terms of the register OLD. */
  readonly next: Expression;
  readonly expected: Expression | null;
  readonly read: Tag;
  readonly write: Tag;
  /** Fully ordered where it writes: fences on both sides, or what BPF means by it. */
  readonly full: boolean;
  /** A lock being taken: executions in which it is not free are none. */
  readonly locks?: boolean;
}

/** In Rmw.next: the value that was read. */
export const OLD = '(old)';

export type Condition =
  | { readonly is: 'equal'; readonly what: string; readonly value: Value }
  | { readonly is: 'not'; readonly of: Condition }
  | { readonly is: 'and' | 'or'; readonly of: readonly Condition[] }
  | { readonly is: 'true' };

export interface LitmusTest {
  readonly name: string;
  readonly language: 'C' | 'BPF';
  /** Variables, and registers as `0:r1`, that do not begin as 0. */
  readonly initial: ReadonlyMap<string, Value>;
  readonly threads: readonly (readonly Statement[])[];
  readonly quantifier: 'exists' | '~exists' | 'forall';
  readonly condition: Condition;
  /** As written. */
  readonly conditionText: string;
  /** What is shown of a final state: registers as `0:r1`, variables as `x`. */
  readonly shown: readonly string[];
  /** The verdict that a comment in the file states: `Result: Never`. */
  readonly stated: 'Never' | 'Sometimes' | 'Always' | undefined;
}
