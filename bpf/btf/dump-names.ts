import type { Btf } from './types.ts';

/**
 * The names under which types stand in C: tags share one namespace, typedefs and enumerators
 * another. What comes second under a name gets `___2`, which CO-RE takes for the same type.
 */
export class Names {
  readonly #btf: Btf;
  readonly #tags = new Map<string, number>();
  readonly #idents = new Map<string, number>();
  readonly #known = new Map<number, string>();
  #used: Uint8Array | undefined;

  constructor(btf: Btf) {
    this.#btf = btf;
  }

  /** Of a struct, union or enum. A forward declaration shares the name of what it declares. */
  tag(id: number): string {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const type = this.#btf.types[id]!;
    const name = type.kind === 'fwd' ? this.#declared(type.name, type.of) : undefined;
    const made = name ?? unique(this.#tags, type.name);
    this.#known.set(id, made);
    return made;
  }

  /** Of a typedef. */
  ident(id: number): string {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    const made = unique(this.#idents, this.#btf.types[id]!.name);
    this.#known.set(id, made);
    return made;
  }

  /** Of a constant, once for each enum that has it. */
  enumerator(name: string): string {
    return unique(this.#idents, name);
  }

  /** Whether a type refers to this one: an unnamed enum then is made where that is. */
  isUsed(id: number): boolean {
    this.#used ??= usedTypes(this.#btf);
    return this.#used[id] === 1;
  }

  #declared(name: string, kind: 'struct' | 'union'): string | undefined {
    const ids = this.#btf.idsOf(name);
    const id = ids.find((other) => this.#btf.types[other]!.kind === kind);
    return id === undefined ? undefined : this.tag(id);
  }
}

function unique(taken: Map<string, number>, name: string): string {
  for (;;) {
    const count = (taken.get(name) ?? 0) + 1;
    taken.set(name, count);
    if (count === 1) return name;
    const made = `${name}___${count}`;
    if (taken.has(made)) continue;
    taken.set(made, 1);
    return made;
  }
}

function usedTypes({ types }: Btf): Uint8Array {
  const used = new Uint8Array(types.length);
  for (const type of types) {
    if (!type || type.kind === 'decl_tag') continue;
    if ('type' in type) used[type.type] = 1;
    if ('members' in type) for (const member of type.members) used[member.type] = 1;
    if ('params' in type) for (const param of type.params) used[param.type] = 1;
  }
  return used;
}
