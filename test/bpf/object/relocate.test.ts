import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { InputError } from '../../../base/errors.ts';
import { POISON_HELPER } from '../../../bpf/btf/core.ts';
import type { Btf } from '../../../bpf/btf/types.ts';
import { decodeProgram } from '../../../bpf/isa/decode.ts';
import type { Insn } from '../../../bpf/isa/insn.ts';
import { kernelSymbols } from '../../../bpf/object/ksyms.ts';
import type { OpenedObject } from '../../../bpf/object/open.ts';
import { explainPoison } from '../../../bpf/object/poison-log.ts';
import { Relocator, type RelocatedProgram } from '../../../bpf/object/relocate.ts';
import { BtfBuilder, coreTarget } from '../../kit/core-target.ts';
import { compiled, COMPILERS } from '../../kit/compiled.ts';

const FD_BASE = 100;
const SYMBOL = 0xffff_ffff_8123_4560n;

/** A kernel for features.bpf.c: one function and one variable. */
function featuresTarget(returns = 4): Btf {
  const btf = new BtfBuilder();
  const int = btf.int('int', 4);
  const result = returns === 4 ? int : btf.ptr(int);
  const params = [{ name: 'a', type: int }];
  const proto = btf.add({ kind: 'func_proto', name: '', type: result, params });
  btf.add({ kind: 'func', name: 'kernel_function', type: proto, linkage: 'global' });
  btf.add({ kind: 'var', name: 'runqueues_like', type: int, linkage: 'global' });
  return btf.build();
}

function relocator(object: OpenedObject, btf: Btf): Relocator {
  const mapFds = object.maps.map((_, index) => FD_BASE + index);
  const ksym = kernelSymbols(btf, (name) => (name === 'symbol' ? SYMBOL : undefined));
  return new Relocator(object, { btf, mapFds, ksym });
}

function featuresRelocator(object: OpenedObject, btf = featuresTarget()): Relocator {
  return relocator(object, btf);
}

function program(object: OpenedObject, by: Relocator, name: string): RelocatedProgram {
  return by.program(object.programs.find((row) => row.name === name)!);
}

function insnsOf({ code }: RelocatedProgram): readonly (Insn | null)[] {
  const insns = decodeProgram(code);
  assert('length' in insns, JSON.stringify(insns));
  return insns;
}

/** [first slot, name] of each function in it. */
function functionsIn(object: OpenedObject, { funcInfo }: RelocatedProgram): [number, string][] {
  const words = new Uint32Array(funcInfo.buffer);
  return Array.from({ length: words.length / 2 }, (_, i) => {
    const type = object.btf!.types[words[2 * i + 1]!]!;
    return [words[2 * i]!, type.name];
  });
}

describe.each(COMPILERS)('an object by %s', (by) => {
  const features = compiled('features', by);
  const core = compiled('core', by);

  test('subprograms follow their first caller, each once, with what they call', () => {
    const first = program(features, featuresRelocator(features), 'first');
    const functions = functionsIn(features, first);
    const names = functions.map(([, name]) => name);
    assert.deepEqual(names, ['first', 'each', 'middle', 'leaf', 'hidden_global']);
    const nameAt = new Map(functions);
    const callees = insnsOf(first).flatMap((insn, slot) => {
      const isCall = insn?.kind === 'call' && insn.target === 'subprog';
      const isCallback = insn?.kind === 'ld_imm64' && insn.from === 'func';
      return isCall || isCallback ? [nameAt.get(slot + 1 + insn.imm)] : [];
    });
    assert.deepEqual(callees, ['each', 'hidden_global', 'middle', 'leaf', 'leaf']);
  });

  test('lines of the source move with their functions', () => {
    const { lines, lineInfo } = program(features, featuresRelocator(features), 'first');
    const slots = lines.map(({ slot }) => slot);
    assert.deepEqual(
      slots,
      slots.toSorted((a, b) => a - b),
    );
    assert.equal(slots[0], 0);
    const multiplied = lines.find(({ text }) => text.includes('counter * x'));
    assert.match(multiplied!.file, /features\.bpf\.c$/);
    assert.equal(lineInfo.length, lines.length * 16);
  });

  test('maps and variables are loaded by the descriptors of their maps', () => {
    const relocated = program(features, featuresRelocator(features), 'first');
    const loads = insnsOf(relocated).flatMap((insn) =>
      insn?.kind === 'ld_imm64' && insn.from !== 'func'
        ? [[insn.from, features.maps[insn.imm - FD_BASE]!.definition.name, insn.next]]
        : [],
    );
    const { variables } = features.maps.find(({ kind }) => kind === 'bss')!;
    const offset = (name: string): number => variables.get(name)!.offsetBytes;
    assert.deepEqual(loads, [
      ['map_fd', 'counts', 0],
      ['map_fd', 'calls', 0],
      ['map_value', '.data.special', 0],
      ['map_value', 'features.rodata', 4],
      ['map_value', 'features.rodata', 0],
      ['map_value', 'features.bss', offset('total')],
      ['map_value', 'features.bss', offset('hidden')],
      ['map_value', 'features.data', 0],
    ]);
  });

  test('externs are ids and addresses, values of the configuration, or nothing', () => {
    const { externs: specs } = features;
    const relocated = program(features, featuresRelocator(features), 'externs');
    const insns = insnsOf(relocated);
    const [variable] = featuresTarget().idsOf('runqueues_like');
    const [kfunc] = featuresTarget().idsOf('kernel_function');
    const [first] = insns;
    assert.deepEqual(first, { kind: 'ld_imm64', from: 'btf_id', dst: 1, imm: variable, next: 0 });
    const has = (wanted: object): boolean =>
      insns.some((insn) =>
        Object.entries(wanted).every(([key, of]) => insn?.[key as 'kind'] === of),
      );
    assert(has({ kind: 'call', target: 'kfunc', imm: kfunc, off: 0 }));
    assert(has({ kind: 'ld_imm64', from: 'value', imm: 0x8123_4560 | 0, next: -1 }));
    assert(has({ kind: 'ld_imm64', from: 'value', imm: 0, next: 0 }), 'missing_symbol');
    const hz = specs.find(({ name }) => name === 'CONFIG_HZ')!;
    assert(has({ kind: 'ld_imm64', from: 'map_value', next: hz.offsetBytes }));
    const [poison] = relocated.poisoned;
    assert.deepEqual(poison?.[1], { kind: 'kfunc', text: 'missing_function' });
    const [slot] = poison!;
    const call = insns[slot] as Extract<Insn, { kind: 'call' }>;
    const log = `${slot}: (85) call unknown#${call.imm}\ninvalid func unknown#${call.imm}\n`;
    const said = "kfunc 'missing_function' is referenced but wasn't resolved";
    assert.equal(explainPoison(log, relocated), `${slot}: <invalid kfunc call>\n${said}\n`);
  });

  test('a strong extern that is not there, or of another type, is an input error', () => {
    const empty = new BtfBuilder();
    empty.int('int', 4);
    const fails = (btf: Btf, message: RegExp): void =>
      assert.throws(
        () => program(features, featuresRelocator(features, btf), 'externs'),
        (error) => error instanceof InputError && message.test(error.message),
      );
    fails(empty.build(), /extern \(var ksym\) 'runqueues_like': not found in kernel BTF/);
    fails(featuresTarget(8), /extern \(func ksym\) 'kernel_function': incompatible/);
  });

  test('loads and stores are made to fit the fields of the kernel', () => {
    const insns = insnsOf(program(core, relocator(core, coreTarget()), 'fields'));
    const accesses = insns.flatMap((insn) =>
      (insn?.kind === 'ldx' || insn?.kind === 'st' || insn?.kind === 'stx') && insn.off < 100
        ? [`${insn.kind === 'ldx' ? 'load' : 'store'} ${insn.size} at ${insn.off}`]
        : [],
    );
    const at = (text: string): boolean => accesses.includes(text);
    for (const text of ['load 4 at 8', 'load 2 at 12', 'store 2 at 12', 'load 8 at 0']) {
      assert(at(text), `${text} of ${accesses.join(', ')}`);
    }
    for (const text of ['load 4 at 32', 'load 4 at 72', 'load 4 at 20']) assert(at(text), text);
  });

  test('constants become those of the kernel, of 64 bits too', () => {
    const insns = insnsOf(program(core, relocator(core, coreTarget()), 'enums'));
    const constants = insns.flatMap((insn) => {
      if (insn?.kind === 'ld_imm64' && insn.from === 'value') {
        return [(BigInt(insn.next) << 32n) | BigInt(insn.imm >>> 0)];
      }
      const isConstant = insn?.kind === 'alu' && insn.op === 'mov' && 'imm' in insn.src;
      return isConstant ? [BigInt((insn.src as { imm: number }).imm)] : [];
    });
    const wanted = [20n, -7n, ...(by === 'clang-14-v3' ? [] : [0x2_0000_0000n])];
    for (const value of wanted) assert(constants.includes(value), `${value} of ${constants}`);
  });

  test('what cannot be relocated is poisoned, also in a subprogram, and named', () => {
    const relocated = program(core, relocator(core, coreTarget()), 'poisoned');
    const texts = [...relocated.poisoned.values()].map(({ text }) => text.replace(/\[\d+\]/, '[]'));
    assert.deepEqual(texts.toSorted(), [
      '<byte_off> [] struct thing.gone (0:3 @ offset 16)',
      '<enumval_value> [] enum color::RED = 1',
    ]);
    const insns = insnsOf(relocated);
    for (const slot of relocated.poisoned.keys()) {
      const call = { kind: 'call', target: 'helper', imm: POISON_HELPER, off: 0 };
      assert.deepEqual(insns[slot], call);
    }
  });

  test('the log of a refused program says what the poisoned instruction wanted', () => {
    const relocated = program(core, relocator(core, coreTarget()), 'poisoned');
    const [slot, { text }] = [...relocated.poisoned][0]!;
    const log =
      `0: R1=ctx()\n${slot}: (85) call unknown#195896080\n` +
      'invalid func unknown#195896080\nprocessed 3 insns\n';
    assert.equal(
      explainPoison(log, relocated),
      `0: R1=ctx()\n${slot}: <invalid CO-RE relocation>\n` +
        `failed to resolve CO-RE relocation ${text}\nprocessed 3 insns\n`,
    );
    assert.equal(explainPoison('something else', relocated), 'something else');
  });
});
