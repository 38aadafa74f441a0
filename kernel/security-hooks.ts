import type { KernelFunction } from './functions.ts';
import { bprmAddress, type Binprm } from './process/exec.ts';

type Params = Readonly<Record<string, string>>;

/** A hook of security modules, as far as this kernel calls it. */
interface HookRow {
  readonly name: string;
  /** Of the function that calls it, behind `security_`, where that is another. */
  readonly caller?: string;
  readonly params: Params;
  /** It has nothing to say: it is told. */
  readonly isVoid?: true;
  readonly values?: KernelFunction['values'];
}

const bprm: Pick<HookRow, 'params' | 'values'> = {
  params: { bprm: 'struct linux_binprm *' },
  values: ([of]: readonly [Binprm]) => [bprmAddress(of)],
};
const task = { task: 'struct task_struct *' };
const file = { file: 'struct file *' };
const ULONG = 'unsigned long';

/** include/linux/lsm_hook_defs.h */
const HOOKS: readonly HookRow[] = [
  { name: 'file_open', params: file },
  { name: 'file_permission', params: { ...file, mask: 'int' } },
  { name: 'file_ioctl', params: { ...file, cmd: 'unsigned int', arg: ULONG } },
  { name: 'file_fcntl', params: { ...file, cmd: 'unsigned int', arg: ULONG } },
  { name: 'file_receive', params: file },
  {
    name: 'mmap_file',
    params: { ...file, reqprot: ULONG, prot: ULONG, flags: ULONG },
    values: ([of, prot, flags]: readonly number[]) => [of!, prot!, prot!, flags!],
  },
  { name: 'task_alloc', params: { ...task, clone_flags: 'u64' } },
  { name: 'task_free', params: task, isVoid: true },
  {
    name: 'task_kill',
    params: {
      p: 'struct task_struct *',
      info: 'struct kernel_siginfo *',
      sig: 'int',
      cred: 'const struct cred *',
    },
  },
  {
    name: 'task_prctl',
    params: { option: 'int', arg2: ULONG, arg3: ULONG, arg4: ULONG, arg5: ULONG },
  },
  { name: 'bprm_creds_for_exec', ...bprm },
  { name: 'bprm_check_security', caller: 'bprm_check', ...bprm },
  { name: 'bprm_committing_creds', isVoid: true, ...bprm },
  { name: 'bprm_committed_creds', isVoid: true, ...bprm },
  {
    name: 'bpf',
    params: { cmd: 'int', attr: 'union bpf_attr *', size: 'unsigned int', kernel: 'bool' },
  },
  { name: 'bpf_map', params: { map: 'struct bpf_map *', fmode: 'fmode_t' } },
  { name: 'bpf_prog', params: { prog: 'struct bpf_prog *' } },
  { name: 'perf_event_open', params: { type: 'int' } },
];

/** `bpf_lsm_file_open`, and `security_file_open`, which calls it: programs hang on both. */
export const SECURITY_FUNCTIONS: readonly KernelFunction[] = HOOKS.flatMap((hook) => {
  const { name, caller = name, params, isVoid, values } = hook;
  const common = { params, returns: isVoid ? 'void' : 'int', ...(values ? { values } : {}) };
  return [
    { name: `bpf_lsm_${name}`, ...common },
    { name: `security_${caller}`, ...common },
  ];
});
