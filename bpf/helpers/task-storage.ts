import { EINVAL } from '../../kernel/errno.ts';
import { TaskStorageMap } from '../maps/task-storage.ts';
import { args, mapOf } from './args.ts';
import { helper } from './prototype.ts';
import { row } from './row.ts';

/** include/uapi/linux/bpf.h */
const BPF_LOCAL_STORAGE_GET_F_CREATE = 1n;

/** kernel/bpf/bpf_task_storage.c */
export const bpf_task_storage_get = helper({
  ...row('task_storage_get'),
  args: [mapOf(TaskStorageMap), args.btfId, args.mapValueOrNull, args.anything],
  run(_, map, task, value, flags) {
    if (flags > BPF_LOCAL_STORAGE_GET_F_CREATE || task === 0) return 0;
    return map.bpf_task_storage_get(task, value, flags !== 0n);
  },
});

export const bpf_task_storage_delete = helper({
  ...row('task_storage_delete'),
  args: [mapOf(TaskStorageMap), args.btfId],
  run: (_, map, task) => (task === 0 ? -EINVAL : map.bpf_task_storage_delete(task)),
});
