import fc from 'fast-check';
import { FUNC, type FuncName } from '../../bpf/helpers/func-ids.ts';
import type { Insn } from '../../bpf/isa/insn.ts';
import { alu, jmp, load, mov, store } from './bpf-program.ts';

// Random programs that hold things, as trees of blocks: each acquires something, has others within,
// and gives it back.

type Code = readonly (Insn | null)[];

/** What a block does around those within it. */
export type Kind =
  | 'task'
  | 'cpumask'
  | 'rcu'
  | 'preempt'
  | 'irq'
  | 'iterator'
  | 'record'
  | 'dynptr'
  | 'lock'
  | 'stash'
  | 'list'
  | 'loop';

export interface Block {
  readonly kind: Kind;
  /** How often a loop goes; which of two ways it is given back. */
  readonly number: number;
  readonly inner: readonly Block[];
}

const OUTER: readonly Kind[] = [
  'task',
  'cpumask',
  'rcu',
  'preempt',
  'irq',
  'iterator',
  'record',
  'dynptr',
];
const LEAVES: readonly Kind[] = ['lock', 'stash', 'list', 'loop'];
const DEPTH_MAX = 3;

function block(depth: number): fc.Arbitrary<Block> {
  const inner = depth < DEPTH_MAX ? fc.array(block(depth + 1), { maxLength: 2 }) : fc.constant([]);
  return fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom(...OUTER), number, inner }) },
    fc.record({ kind: fc.constantFrom(...LEAVES), number, inner: fc.constant([]) }),
  );
}

const number = fc.integer({ min: 1, max: 2 });
export const blocks: fc.Arbitrary<readonly Block[]> = fc.array(block(1), {
  minLength: 1,
  maxLength: 3,
});

/** What programs name: numbers that the kernel and the object have. */
export interface BlockNames {
  kfunc(name: string): number;
  map(name: 'stashes' | 'lists' | 'ring'): number;
  /** The type of an object with a list node. */
  readonly nodeType: number;
}

/** From the value to its list head, and from the object to its node: blocks.bpf.c */
const HEAD_OFF = 8;
const NODE_OFF = 8;
/** Each depth has three words of the stack, from the frame pointer down. */
const WORDS = 3;

/** A program of these blocks, and the slots at which its callbacks begin. */
export function programOf(tree: readonly Block[], names: BlockNames): ProgramCode {
  const writer = new Writer(names);
  const main = [...writer.all(tree, 0), mov(0, 0), EXIT];
  const callbackAt = main.length;
  const insns = [...main, mov(0, 0), EXIT].map((insn, slot) =>
    insn?.kind === 'ld_imm64' && insn.from === 'func'
      ? { ...insn, imm: callbackAt - slot - 1 }
      : insn,
  );
  return { insns, callbackAt, hasLoop: writer.hasLoop };
}

export interface ProgramCode {
  readonly insns: Code;
  readonly callbackAt: number;
  readonly hasLoop: boolean;
}

const EXIT: Insn = { kind: 'exit' };

class Writer {
  hasLoop = false;
  readonly #names: BlockNames;

  constructor(names: BlockNames) {
    this.#names = names;
  }

  all(tree: readonly Block[], depth: number): Code {
    return tree.flatMap((each) => this.#one(each, depth));
  }

  #one({ kind, number: times, inner }: Block, depth: number): Code {
    const [a, b] = [slotOf(depth, 0), slotOf(depth, 1)];
    const body = this.all(inner, depth + 1);
    switch (kind) {
      case 'task':
        return [
          mov(1, 1),
          this.#kfunc('bpf_task_from_pid'),
          ...ifNotNull([keep(a), ...body, get(1, a), this.#kfunc('bpf_task_release')]),
        ];
      case 'cpumask':
        return this.#cpumask(body, times, a, b);
      case 'rcu':
        return this.#section('bpf_rcu_read_lock', body, 'bpf_rcu_read_unlock');
      case 'preempt':
        return this.#section('bpf_preempt_disable', body, 'bpf_preempt_enable');
      case 'irq':
        return [
          ...at(1, a),
          this.#kfunc('bpf_local_irq_save'),
          ...body,
          ...at(1, a),
          this.#kfunc('bpf_local_irq_restore'),
        ];
      case 'iterator':
        return this.#iterator(body, times, a);
      case 'record':
        return [
          ...this.#map(1, 'ring'),
          mov(2, 16),
          mov(3, 0),
          helper('ringbuf_reserve'),
          ...ifNotNull([
            keep(a),
            ...body,
            get(1, a),
            mov(2, 0),
            helper(times === 1 ? 'ringbuf_submit' : 'ringbuf_discard'),
          ]),
        ];
      case 'dynptr':
        return this.#dynptr(body, times, b);
      case 'lock':
        return this.#locked(this.#iterator([], times, a), b);
      case 'stash':
        return this.#stash(a, b);
      case 'list':
        return this.#list(a, b);
      default:
        this.hasLoop = true;
        return [mov(1, times), FUNC_ADDRESS, null, mov(3, 0), mov(4, 0), helper('loop')];
    }
  }

  #section(enter: string, body: Code, leave: string): Code {
    return [this.#kfunc(enter), ...body, this.#kfunc(leave)];
  }

  #cpumask(body: Code, times: number, a: number, b: number): Code {
    const again = [
      get(1, a),
      this.#kfunc('bpf_cpumask_acquire'),
      keep(b),
      ...body,
      get(1, b),
      this.#kfunc('bpf_cpumask_release'),
    ];
    return [
      this.#kfunc('bpf_cpumask_create'),
      ...ifNotNull([
        keep(a),
        ...(times === 1 ? body : again),
        get(1, a),
        this.#kfunc('bpf_cpumask_release'),
      ]),
    ];
  }

  #iterator(body: Code, times: number, a: number): Code {
    const next = [...at(1, a), this.#kfunc('bpf_iter_num_next')];
    const back = body.length + 1 + next.length + 1;
    return [
      ...at(1, a),
      mov(2, 0),
      mov(3, times),
      this.#kfunc('bpf_iter_num_new'),
      ...next,
      jmp('jeq', 0, 0, body.length + 1),
      ...body,
      { kind: 'ja', off: -back, long: false },
      ...at(1, a),
      this.#kfunc('bpf_iter_num_destroy'),
    ];
  }

  /** Two words of the stack, from the lower one on. */
  #dynptr(body: Code, times: number, b: number): Code {
    const end = times === 1 ? 'ringbuf_submit_dynptr' : 'ringbuf_discard_dynptr';
    return [
      ...this.#map(1, 'ring'),
      mov(2, 16),
      mov(3, 0),
      ...at(4, b),
      helper('ringbuf_reserve_dynptr'),
      ...body,
      ...at(1, b),
      mov(2, 0),
      helper(end),
    ];
  }

  #locked(body: Code, b: number): Code {
    return this.#value('lists', b, [
      keep(b),
      mov(1, 'r0'),
      helper('spin_lock'),
      ...body,
      get(1, b),
      helper('spin_unlock'),
    ]);
  }

  #stash(a: number, b: number): Code {
    const swap: Code = [
      mov(2, 'r0'),
      get(1, b),
      helper('kptr_xchg'),
      ...ifNotNull([mov(1, 'r0'), this.#kfunc('bpf_cpumask_release')]),
    ];
    return this.#value('stashes', a, [
      keep(b),
      this.#kfunc('bpf_cpumask_create'),
      ...ifNotNull(swap),
    ]);
  }

  /** Makes an object, puts it into the list, takes one out, and drops that. */
  #list(a: number, b: number): Code {
    const drop: Code = [mov(2, 0), this.#kfunc('bpf_obj_drop_impl')];
    const push: Code = [
      keep(b),
      mov(1, 'r0'),
      helper('spin_lock'),
      get(1, b),
      alu('add', 1, HEAD_OFF),
      get(2, a),
      alu('add', 2, NODE_OFF),
      mov(3, 0),
      mov(4, 0),
      this.#kfunc('bpf_list_push_front_impl'),
      get(1, b),
      alu('add', 1, HEAD_OFF),
      this.#kfunc('bpf_list_pop_front'),
      keep(a),
      get(1, b),
      helper('spin_unlock'),
      get(1, a),
      jmp('jeq', 1, 0, drop.length + 1),
      alu('sub', 1, NODE_OFF),
      ...drop,
    ];
    const lookup: Code = [...this.#map(1, 'lists'), ...this.#key(b), helper('map_lookup_elem')];
    return [
      ...number64(1, this.#names.nodeType),
      mov(2, 0),
      this.#kfunc('bpf_obj_new_impl'),
      ...ifNotNull([
        keep(a),
        ...lookup,
        jmp('jne', 0, 0, 1 + drop.length + 1),
        get(1, a),
        ...drop,
        { kind: 'ja', off: push.length, long: false },
        ...push,
      ]),
    ];
  }

  /** The value of the only key, where there is one. */
  #value(map: 'stashes' | 'lists', key: number, body: Code): Code {
    return [...this.#map(1, map), ...this.#key(key), helper('map_lookup_elem'), ...ifNotNull(body)];
  }

  #key(slot: number): Code {
    return [mov(2, 0), store(8, 10, slot, 2), ...at(2, slot)];
  }

  #map(reg: number, name: 'stashes' | 'lists' | 'ring'): Code {
    return [
      { kind: 'ld_imm64', from: 'map_fd', dst: reg, imm: this.#names.map(name), next: 0 },
      null,
    ];
  }

  #kfunc(name: string): Insn {
    return { kind: 'call', target: 'kfunc', imm: this.#names.kfunc(name), off: 0 };
  }
}

const FUNC_ADDRESS: Insn = { kind: 'ld_imm64', from: 'func', dst: 2, imm: 0, next: 0 };

function helper(name: FuncName): Insn {
  return { kind: 'call', target: 'helper', imm: FUNC[name], off: 0 };
}

function slotOf(depth: number, word: number): number {
  return -8 * (depth * WORDS + word + 1);
}

const keep = (slot: number): Insn => store(8, 10, slot, 0);
const get = (reg: number, slot: number): Insn => load(8, reg, 10, slot);
const at = (reg: number, slot: number): Code => [mov(reg, 'r10'), alu('add', reg, slot)];
const ifNotNull = (body: Code): Code => [jmp('jeq', 0, 0, body.length), ...body];

function number64(dst: number, value: number): Code {
  return [{ kind: 'ld_imm64', from: 'value', dst, imm: value, next: 0 }, null];
}
