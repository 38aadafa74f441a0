import { expect, test } from 'vitest';
import { LoadError } from '../../../bpf/user/load-error.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import { makeBtf } from '../../../bpf/btf/btf.ts';
import { parseC } from '../../../bpf/btf/c-parse.ts';
import { CTypes } from '../../../bpf/btf/c-types.ts';
import * as field from '../../../bpf/btf/field-types.ts';
import type { BtfRecord } from '../../../bpf/btf/record.ts';
import { idOf } from '../../../bpf/btf/resolve.ts';
import { RDONLY_PROG, WRONLY_PROG } from '../../../bpf/maps/flags.ts';
import { map_check_btf } from '../../../bpf/maps/map-btf.ts';
import { MAP_TYPE } from '../../../bpf/uapi.ts';
import { BpfObject } from '../../../bpf/user/object.ts';
import { EACCES, ENOTSUPP, EOPNOTSUPP, EPERM } from '../../../kernel/errno.ts';
import { PROFILE_FACTS, type Profile } from '../../../kernel/profile.ts';
import { Sandbox } from '../../../scenarios/sandbox.ts';
import { compiled, compiledBytes } from '../../kit/compiled.ts';

const BYTES = compiledBytes('kptr', 'clang-22-v3');

/** The last thing said of one program by the kernel of a profile; '' where it is loaded. */
function refusal(profile: 'v6.1' | 'v7.2', program: string): string {
  const object = new BpfSandbox({ profile }).openBytes(BYTES, 'kptr.bpf.o');
  for (const each of object.object.programs) each.isWanted = each.name === program;
  try {
    object.load();
    return '';
  } catch (error) {
    if (!(error instanceof LoadError)) throw error;
    const lines = error.log.trim().split('\n');
    return lines.filter((line) => !/^(processed|verification|BPF_EXIT)/.test(line)).at(-1)!;
  }
}

const NO_KFUNC = "kfunc 'bpf_task_kptr_get' is referenced but wasn't resolved";
const REFERENCED = "kptr isn't referenced kptr";
const OWNED = 'release helper bpf_kptr_xchg expects referenced PTR_TO_BTF_ID passed to R2';

test.each([
  [
    '02 R7: a store to a kptr that the map owns',
    'v7.2',
    'store_referenced',
    /^store to referenced kptr disallowed$/,
  ],
  ['02 R7, R2: what is `kptr` there is a mere view', 'v6.1', 'store_referenced', /^$/],
  ['02 R8: a store to a view', 'v7.2', 'store_unreferenced', /^$/],
  ['02 R9: a load in a read section is an RCU pointer', 'v7.2', 'load', /^$/],
  ['02 R9: every load is untrusted', 'v6.1', 'load_old', /^R1 must be a rcu pointer$/],
  [
    '02 R10: an exchange with a view',
    'v7.2',
    'exchange_unreferenced',
    new RegExp(`^off=0 ${REFERENCED}$`),
  ],
  [
    '02 R10, R2: with what is a view there',
    'v6.1',
    'exchange_leaks',
    new RegExp(`^off=8 ${REFERENCED}$`),
  ],
  [
    '02 R10, R2: no tag of that name',
    'v6.1',
    'exchange_unreferenced',
    /^off=0 doesn't point to kptr$/,
  ],
  ['02 R10: what is put in must be owned', 'v7.2', 'exchange_not_owned', new RegExp(`^${OWNED}$`)],
  [
    '02 R11: what comes out must be given back',
    'v7.2',
    'exchange_leaks',
    /^Unreleased reference id=\d+ alloc_insn=11$/,
  ],
  ['02 R13: kptr_get', 'v6.1', 'get', /^$/],
  [
    '02 R13, R11: what it gets must be given back',
    'v6.1',
    'get_no_release',
    /^Unreleased reference id=\d+ alloc_insn=10$/,
  ],
  [
    '02 R13: of a view',
    'v6.1',
    'get_unreferenced',
    /^arg#0 no referenced pointer at map value offset=0$/,
  ],
  ['02 R13: at an unknown place', 'v6.1', 'get_variable', /^arg#0 cannot have variable offset$/],
  ['02 R13: not of a map', 'v6.1', 'get_stack', /^arg#0 expected pointer to map value$/],
  ['02 R13: it is gone', 'v7.2', 'get', new RegExp(`^${NO_KFUNC}$`)],
] as const)('%s (%s)', (_, profile, program, said) => {
  expect(refusal(profile, program)).toMatch(said);
});

// What Linux 7.2 says of the same object, word for word; then what v6.1 says otherwise.
test.each([
  ['02 R6: its size', 'v7.2', 'access_size', 'kptr access size must be BPF_DW'],
  ['02 R6: its place', 'v7.2', 'access_variable', 'kptr access cannot have variable offset'],
  ['02 R6: its place', 'v6.1', 'access_variable', 'kptr access cannot have variable offset'],
  ['02 R6: a part of it', 'v7.2', 'access_misaligned', 'kptr access misaligned expected=0 off=4'],
  [
    '02 R6: an atomic access',
    'v7.2',
    'access_atomic',
    'kptr in map can only be accessed using BPF_MEM instruction mode',
  ],
  ['02 R6: by a helper', 'v7.2', 'access_helper', 'kptr cannot be accessed indirectly by helper'],
  ['02 R7: null', 'v7.2', 'store_null', ''],
  ['02 R7: a constant', 'v7.2', 'store_one', 'BPF_ST imm must be 0 when storing to kptr at off=0'],
  [
    '02 R7: a number',
    'v7.2',
    'store_scalar',
    'invalid kptr access, R0 type=scalar expected=ptr_task_struct or untrusted_ptr_task_struct',
  ],
  ['02 R8: an RCU pointer becomes a view', 'v7.2', 'store_loaded', ''],
  [
    '02 R10: of a map that says nothing of its types',
    'v7.2',
    'exchange_untyped',
    "map 'untyped' has to have BTF in order to use bpf_kptr_xchg",
  ],
  ['02 R10: of a value without kptrs', 'v7.2', 'exchange_plain', 'R1 has no valid kptr'],
  [
    '02 R10: at an unknown place',
    'v7.2',
    'exchange_variable',
    "R1 doesn't have constant offset. kptr has to be at the constant offset",
  ],
  [
    '02 R10: what may be null',
    'v7.2',
    'exchange_nulled',
    'Possibly NULL pointer passed to helper R2',
  ],
  ['02 R10: owned in, owned out', 'v7.2', 'exchange_whole', ''],
  ['01 R3: askew', 'v7.2', 'ctx_askew', ''],
  ['01 R3: askew', 'v6.1', 'ctx_askew', 'invalid bpf_context access off=2 size=4'],
  ['01 R3: too far', 'v6.1', 'ctx_far', 'invalid bpf_context access off=65535 size=4'],
  ['01 R3: too far', 'v7.2', 'ctx_far', 'R1 min value is outside of the allowed memory range'],
  ['01 R3: at an unknown place', 'v7.2', 'ctx_variable', ''],
  [
    '01 R3: at an unknown place',
    'v6.1',
    'ctx_variable',
    'variable ctx access var_off=(0x0; 0x4) disallowed',
  ],
  [
    '01 R5: it sleeps where it may not',
    'v7.2',
    'sleeps_in_section',
    'sleepable helper bpf_sys_close#168 in rcu_read_lock region',
  ],
] as const)('%s (%s)', (_, profile, program, said) => {
  expect(refusal(profile, program)).toBe(said);
});

const types = new CTypes();
parseC(types, 'struct value { long p; };');
const KEY = types.of('int');
const BTF = makeBtf(types.types);

/** What the kernel says of a map whose values have a kptr. */
function created(profile: Profile, type: number, flags = 0, isBpfCapable = true): number {
  const map = {
    type,
    keySize: 4,
    valueSize: 8,
    maxEntries: 1,
    flags,
    btfKeyTypeId: KEY,
    btfValueTypeId: idOf(BTF, 'value', 'struct'),
  };
  const record = { fieldMask: field.BPF_KPTR_REF, fields: [] } as unknown as BtfRecord;
  return map_check_btf(BTF, map, record, { facts: PROFILE_FACTS[profile], isBpfCapable });
}

const OLD = ['HASH', 'LRU_HASH', 'ARRAY', 'PERCPU_ARRAY'] as const;
const NEW = [
  'RHASH',
  'PERCPU_HASH',
  'LRU_PERCPU_HASH',
  'SK_STORAGE',
  'INODE_STORAGE',
  'TASK_STORAGE',
  'CGRP_STORAGE',
] as const;

test('02 R4: maps that may hold kptrs', () => {
  const all = Object.keys(MAP_TYPE) as (keyof typeof MAP_TYPE)[];
  const holders = (profile: Profile) =>
    all.filter((name) => created(profile, MAP_TYPE[name]) !== -EOPNOTSUPP).toSorted();
  expect(holders('v6.1')).toEqual(OLD.toSorted());
  expect(holders('v7.2')).toEqual([...OLD, ...NEW].toSorted());
});

test('02 R4: not where programs may only read or write, nor without CAP_BPF', () => {
  expect(created('v7.2', MAP_TYPE.ARRAY)).toBe(0);
  expect(created('v7.2', MAP_TYPE.ARRAY, RDONLY_PROG)).toBe(-EACCES);
  expect(created('v7.2', MAP_TYPE.ARRAY, WRONLY_PROG)).toBe(-EACCES);
  expect(created('v7.2', MAP_TYPE.ARRAY, RDONLY_PROG, false)).toBe(-EPERM);
});

test('02 R4: such a map is not frozen', () => {
  const sandbox = new Sandbox({});
  const frozen = sandbox.run(function* (p) {
    const spec = compiled('kptr', 'clang-22-v3');
    const object = new BpfObject(p.calls, spec, sandbox.loaderKernel);
    yield* object.prepare();
    const results: number[] = [];
    for (const name of ['values', 'plain']) {
      results.push(yield* p.calls.mapFreeze(object.maps.find((map) => map.name === name)!.fd));
    }
    yield* object.destroy();
    return results;
  });
  expect(frozen).toEqual([-ENOTSUPP, 0]);
});
