import fc from 'fast-check';
import type { Insn } from '../../bpf/isa/insn.ts';
import { ALU_OPS, ATOMIC_OPS, IMM_SOURCES, JMP_OPS } from '../../bpf/isa/ops.ts';
import { isArenaInsn } from '../../bpf/vm/arena.ts';

/** What of the instruction set an instruction is: `alu add wide imm`. */
export function formOf(insn: Insn): string {
  return isArenaInsn(insn) ? `arena ${plainForm(insn)}` : plainForm(insn);
}

function plainForm(insn: Insn): string {
  const { kind } = insn;
  switch (kind) {
    case 'alu':
    case 'jmp':
      return `${kind} ${insn.op} ${insn.wide} ${'reg' in insn.src ? 'reg' : 'imm'}`;
    case 'movsx':
      return `${kind} ${insn.bits} ${insn.wide}`;
    case 'neg':
      return `${kind} ${insn.wide}`;
    case 'endian':
      return `${kind} ${insn.to} ${insn.bits}`;
    case 'ldx':
      return `${kind} ${insn.mode} ${insn.size}`;
    case 'atomic':
      return `${kind} ${insn.op} ${insn.fetch} ${insn.size}`;
    case 'ja':
      return `${kind} ${insn.long}`;
    case 'call':
      return `${kind} ${insn.target}`;
    default:
      return 'size' in insn ? `${kind} ${insn.size}` : kind;
  }
}

/** Every form that only a program with an arena may have. */
export function arenaForms(): string[] {
  const access = /^(ldx mem|st|stx|load_acquire|store_release|atomic)/;
  const forms = everyForm().filter((form) => access.test(form));
  return [...forms.map((form) => `arena ${form}`), 'addr_space_cast'];
}

/** Every form that a checked program without an arena may have. */
export function everyForm(): string[] {
  const both = [true, false];
  return [
    ...ALU_OPS.flatMap(({ op }) =>
      both.flatMap((wide) => [`alu ${op} ${wide} reg`, `alu ${op} ${wide} imm`]),
    ),
    ...JMP_OPS.flatMap(({ op }) =>
      both.flatMap((wide) => [`jmp ${op} ${wide} reg`, `jmp ${op} ${wide} imm`]),
    ),
    ...['8 true', '8 false', '16 true', '16 false', '32 true'].map((form) => `movsx ${form}`),
    ...['le', 'be', 'bswap'].flatMap((to) => [16, 32, 64].map((bits) => `endian ${to} ${bits}`)),
    ...['mem', 'probe_mem'].flatMap((mode) => [1, 2, 4, 8].map((size) => `ldx ${mode} ${size}`)),
    ...['memsx', 'probe_memsx'].flatMap((mode) => [1, 2, 4].map((size) => `ldx ${mode} ${size}`)),
    ...['st', 'stx', 'load_acquire', 'store_release'].flatMap((kind) =>
      [1, 2, 4, 8].map((size) => `${kind} ${size}`),
    ),
    ...ATOMIC_OPS.flatMap(({ op }) =>
      [4, 8].flatMap((size) =>
        both
          .filter((fetch) => fetch || !op.endsWith('xchg'))
          .map((fetch) => `atomic ${op} ${fetch} ${size}`),
      ),
    ),
    ...['ld_abs', 'ld_ind'].flatMap((kind) => [1, 2, 4].map((size) => `${kind} ${size}`)),
    ...['helper', 'kfunc', 'subprog'].map((target) => `call ${target}`),
    ...both.flatMap((yes) => [`ja ${yes}`, `neg ${yes}`]),
    'ld_imm64',
    'may_goto',
    'exit',
  ];
}

const reg = fc.nat({ max: 10 });
const imm = fc.oneof(fc.integer({ min: -9, max: 9 }), fc.integer());
const off = fc.integer({ min: -0x8000, max: 0x7fff });

/** Any instruction of one of the forms above, with everything else drawn. */
export function insnOfForm(form: string): fc.Arbitrary<Insn> {
  const [kind = '', ...rest] = form.split(' ');
  const [a = '', b = '', c = ''] = rest;
  const fields = { dst: reg, src: reg, off, imm, kind: fc.constant(kind) };
  const operand = c === 'reg' ? fc.record({ reg }) : fc.record({ imm });
  const is = (value: unknown) => fc.constant(value);
  const make = (extra: Record<string, fc.Arbitrary<unknown>>, ...drawn: string[]) =>
    fc.record({
      kind: is(kind),
      ...Object.fromEntries(drawn.map((name) => [name, fields[name as keyof typeof fields]])),
      ...extra,
    }) as fc.Arbitrary<Insn>;
  switch (kind) {
    case 'alu':
      return make({ op: is(a), wide: is(b === 'true'), src: operand }, 'dst');
    case 'jmp':
      return make({ op: is(a), wide: is(b === 'true'), src: operand }, 'dst', 'off');
    case 'movsx':
      return make({ bits: is(Number(a)), wide: is(b === 'true') }, 'dst', 'src');
    case 'neg':
      return make({ wide: is(a === 'true') }, 'dst');
    case 'endian':
      return make({ to: is(a), bits: is(Number(b)) }, 'dst');
    case 'ldx':
      return make({ mode: is(a), size: is(Number(b)) }, 'dst', 'src', 'off');
    case 'atomic':
      return make({ op: is(a), fetch: is(b === 'true'), size: is(Number(c)) }, 'dst', 'src', 'off');
    case 'ja':
      return make({ long: is(a === 'true'), off: a === 'true' ? imm : off });
    case 'call': {
      const far = a === 'kfunc' ? off : is(0);
      return make({ target: is(a), off: far, imm: a === 'helper' ? fc.nat() : imm });
    }
    case 'ld_imm64': {
      const from = fc.constantFrom(...IMM_SOURCES);
      return make({ from, next: fc.oneof(is(0), imm) }, 'dst', 'imm');
    }
    case 'ld_abs':
    case 'ld_ind':
      return make({ size: is(Number(a)) }, 'imm', ...(kind === 'ld_ind' ? ['src'] : []));
    case 'st':
      return make({ size: is(Number(a)) }, 'dst', 'off', 'imm');
    case 'stx':
    case 'load_acquire':
    case 'store_release':
      return make({ size: is(Number(a)) }, 'dst', 'off', 'src');
    case 'addr_space_cast':
      return make({ as: imm }, 'dst', 'src');
    case 'may_goto':
      return make({}, 'off');
    default:
      return make({});
  }
}
