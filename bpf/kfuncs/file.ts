import { args } from '../helpers/args.ts';
import { kfunc, type Kfunc } from './prototype.ts';

/** fs/bpf_fs_kfuncs.c */
export const FILE_KFUNCS: readonly Kfunc[] = [
  kfunc({
    name: 'bpf_get_task_exe_file',
    args: [args.btfId],
    isPointer: true,
    run: ({ kernel }, task) =>
      kernel.fs.exeFiles.get_task_exe_file(kernel.processes.tasks.byAddr(task)),
  }),
  kfunc({
    name: 'bpf_put_file',
    args: [args.btfId],
    *run({ kernel }, file) {
      yield* kernel.fs.files.fput(file);
      return 0;
    },
  }),
];
