import { describe, expect, test } from 'vitest';
import { makeBtf } from '../../../bpf/btf/btf.ts';
import { parseC } from '../../../bpf/btf/c-parse.ts';
import { CTypes } from '../../../bpf/btf/c-types.ts';
import { btfFieldTypeName } from '../../../bpf/btf/field-types.ts';
import { btfParseFields, MAP_FIELDS, type BtfRecord } from '../../../bpf/btf/record.ts';
import { idOf, sizeOf } from '../../../bpf/btf/resolve.ts';
import { btfFindStructMeta, btfParseStructMetas } from '../../../bpf/btf/struct-meta.ts';
import type { Btf, BtfOf } from '../../../bpf/btf/types.ts';
import { E2BIG, EINVAL, ELOOP, ENOENT } from '../../../kernel/errno.ts';

const FIELDS = `
struct bpf_spin_lock { u32 val; };
struct bpf_res_spin_lock { u32 val; };
struct bpf_timer { u64 opaque[2]; };
struct bpf_wq { u64 opaque[2]; };
struct bpf_list_head { u64 opaque[2]; };
struct bpf_list_node { u64 opaque[3]; };
struct bpf_rb_root { u64 opaque[2]; };
struct bpf_rb_node { u64 opaque[4]; };
struct bpf_refcount { u32 opaque[1]; };
`;

/** What a member's pointer or root is marked with. */
type Marks = Readonly<Record<string, { readonly tag: string } | { readonly contains: string }>>;

/** Types of a program: `marks` are of members of `struct value`, by name. */
function program(c: string, marks: Marks = {}): Btf {
  const types = new CTypes();
  parseC(types, FIELDS + c);
  const made = [...types.types];
  for (const [name, mark] of Object.entries(marks)) {
    const ids = made.flatMap((type, id) => (hasMember(type, name) ? [id] : []));
    for (const id of ids) {
      const struct = made[id] as BtfOf<'struct' | 'union'>;
      const component = struct.members.findIndex((member) => member.name === name);
      if ('contains' in mark) {
        const text = `contains:${mark.contains}`;
        made.push({ kind: 'decl_tag', name: text, type: id, component });
        continue;
      }
      const { type } = made[struct.members[component]!.type] as BtfOf<'ptr'>;
      const tag = made.push({ kind: 'type_tag', name: mark.tag, type }) - 1;
      const pointer = made.push({ kind: 'ptr', name: '', type: tag }) - 1;
      const members = struct.members.with(component, {
        ...struct.members[component]!,
        type: pointer,
      });
      made[id] = { ...struct, members };
    }
  }
  return makeBtf(made);
}

function hasMember(type: Btf['types'][number], name: string): boolean {
  return type?.kind === 'struct' && type.members.some((member) => member.name === name);
}

const KERNEL = makeBtf([
  undefined,
  { kind: 'struct', name: 'task_struct', sizeBytes: 8, members: [] },
  { kind: 'struct', name: 'file', sizeBytes: 8, members: [] },
]);

function record(btf: Btf): BtfRecord | undefined | number {
  const typeId = idOf(btf, 'value', 'struct');
  const valueSize = sizeOf(btf, typeId);
  return btfParseFields({ btf, typeId, mask: MAP_FIELDS, valueSize, kernelBtf: () => KERNEL });
}

function fields(btf: Btf): unknown {
  const found = record(btf);
  if (typeof found !== 'object') return found;
  return found.fields.map(({ type, offset }) => `${btfFieldTypeName(type)}@${offset}`);
}

describe('special fields of a value', () => {
  test('none', () => expect(fields(program('struct value { int a; };'))).toBeUndefined());

  test('by the name of their struct, nested too', () => {
    const c = 'struct in { int a; struct bpf_timer t; }; struct value { u64 a; struct in in; };';
    expect(fields(program(c))).toEqual(['bpf_timer@16']);
  });

  test('a lock twice', () => {
    const c = 'struct value { struct bpf_spin_lock a, b; };';
    expect(fields(program(c))).toBe(-E2BIG);
  });

  test('two kinds of locks', () => {
    const c = 'struct value { struct bpf_spin_lock a; struct bpf_res_spin_lock b; };';
    expect(fields(program(c))).toBe(-EINVAL);
  });

  test('an array of locks cannot be', () => {
    expect(fields(program('struct value { struct bpf_spin_lock a[2]; };'))).toBe(-EINVAL);
  });

  test('pointers to what the kernel has, by name', () => {
    const c = 'struct task_struct { int a; }; struct value { u64 a; struct task_struct *p; };';
    const btf = program(c, { p: { tag: 'kptr' } });
    expect(fields(btf)).toEqual(['kptr@8']);
    expect((record(btf) as BtfRecord).fields[0]!.kptr).toMatchObject({ isKernel: true, btfId: 1 });
  });

  test('nobody can give up a file', () => {
    const c = 'struct file { int a; }; struct value { struct file *p; };';
    expect(fields(program(c, { p: { tag: 'kptr' } }))).toBe(-ENOENT);
    expect(fields(program(c, { p: { tag: 'kptr_untrusted' } }))).toEqual(['kptr@0']);
  });

  test('pointers to types of its own', () => {
    const c = 'struct own { int a; }; struct value { struct own *p; };';
    const found = record(program(c, { p: { tag: 'kptr' } })) as BtfRecord;
    expect(found.fields[0]!.kptr!.isKernel).toBe(false);
  });
});

describe('lists and trees', () => {
  const NODE = 'struct node { int a; struct bpf_list_node l; };';
  const VALUE = 'struct value { struct bpf_spin_lock lock; struct bpf_list_head head; };';

  test('a root says what it links', () => {
    const found = record(program(NODE + VALUE, { head: { contains: 'node:l' } })) as BtfRecord;
    expect(found.fields[1]!.graphRoot!.nodeOffset).toBe(8);
  });

  test('a root without a word of that, of another member, of no struct', () => {
    expect(record(program(NODE + VALUE))).toBe(-EINVAL);
    expect(record(program(NODE + VALUE, { head: { contains: 'node:a' } }))).toBe(-EINVAL);
    expect(record(program(NODE + VALUE, { head: { contains: 'node:z' } }))).toBe(-ENOENT);
    expect(record(program(NODE + VALUE, { head: { contains: 'none:l' } }))).toBe(-ENOENT);
  });

  test('a root without a lock', () => {
    const c = `${NODE} struct value { struct bpf_list_head head; };`;
    expect(record(program(c, { head: { contains: 'node:l' } }))).toBe(-EINVAL);
  });

  test('in a list and a tree only if it is counted', () => {
    const both = 'struct node { struct bpf_list_node l; struct bpf_rb_node r; ';
    expect(btfParseStructMetas(program(`${both} };`), () => KERNEL)).toBe(-EINVAL);
    const counted = program(`${both} struct bpf_refcount ref; };`);
    expect(btfParseStructMetas(counted, () => KERNEL)).toBe(0);
    const id = idOf(counted, 'node', 'struct');
    expect(btfFindStructMeta(counted, id)?.record.refcountOff).toBe(56);
  });

  test('what a root links must be known', () => {
    const c = 'struct node { int a; }; struct value { struct bpf_spin_lock lock; ';
    const btf = program(`${c} struct bpf_list_head head; };`, { head: { contains: 'node:a' } });
    expect(btfParseStructMetas(btf, () => KERNEL)).toBe(-EINVAL);
  });

  test('nothing owns itself', () => {
    const c = `struct node {
      struct bpf_spin_lock lock; struct bpf_list_head head; struct bpf_list_node l;
    };`;
    const btf = program(c, { head: { contains: 'node:l' } });
    expect(btfParseStructMetas(btf, () => KERNEL)).toBe(-ELOOP);
  });
});
