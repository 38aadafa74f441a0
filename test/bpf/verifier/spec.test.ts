import { expect, test } from 'vitest';
import { LoadError } from '../../../bpf/user/load-error.ts';
import { BpfSandbox } from '../../../scenarios/bpf-object.ts';
import { compiledBytes } from '../../kit/compiled.ts';

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
