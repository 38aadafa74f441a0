import { assert } from '../../base/assert.ts';

export type LockKind = 'spin' | 'mutex' | 'rwsem';

/** What all locks of one kind of object have in common, as lockdep sees it: struct lock_class. */
export interface LockClass {
  readonly id: number;
  /** `&files->file_lock`, as lockdep prints it; with `/1` behind it for a nested level. */
  readonly name: string;
  readonly kind: LockKind;
  /** Whether its holder may not sleep. */
  readonly spinning: boolean;
}

const classes: LockClass[] = [];
const byName = new Map<string, LockClass>();

/** Registered when the file that uses it is loaded; the same one for the same name. */
export function lockClass(name: string, kind: LockKind): LockClass {
  const known = byName.get(name);
  if (known) {
    assert(known.kind === kind, `lock class ${name} is a ${known.kind}`);
    return known;
  }
  const made: LockClass = { id: classes.length, name, kind, spinning: kind === 'spin' };
  classes.push(made);
  byName.set(name, made);
  return made;
}

export function lockClassOf(id: number): LockClass {
  return classes[id]!;
}

export function lockClassCount(): number {
  return classes.length;
}
