/**
 * Named changes to the kernel. A `bug` is a deliberate mistake, one line at the place where the
 * real code does it right; a `fix` is a remedy that the real code lacks. `machine.mutated(name)`
 * asks for one. A `feature` is something that was proposed and that no kernel has, a `config` how
 * kernels may be built. The only such table.
 */
export interface Mutation {
  readonly name: string;
  readonly kind: 'bug' | 'fix' | 'feature' | 'config';
  /** The hazard of the specs that it belongs to. */
  readonly hazard: string;
  readonly about: string;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'autofs.keep-file',
    kind: 'fix',
    hazard: '00-H1',
    about:
      'CLOSEMOUNT keeps the closed file until the ioctl has ended, as binder does (80cd795630d6)',
  },
  {
    name: 'close_fd.synchronous',
    kind: 'bug',
    hazard: '00-H4',
    about:
      'close_fd() drops the last reference at once, inside the caller, instead of deferring it',
  },
  {
    name: 'fdget.hoist-slot',
    kind: 'bug',
    hazard: '00-H5',
    about: 'fdget() loads the slot before it reads the share count, as without acquire order',
  },
  {
    name: 'fget.skip-recheck',
    kind: 'bug',
    hazard: '00-H6',
    about: 'fget() does not look again at the slot and the table after taking its reference',
  },
  {
    name: 'file_ref.get-by-sum',
    kind: 'fix',
    hazard: '00-H6',
    about:
      'file_ref_get() fails by what its addition gave, instead of reading the count again, which ' +
      'may by then be that of another file in the same memory',
  },
  {
    name: 'dup2.skip-reserved',
    kind: 'bug',
    hazard: '00-H7',
    about: 'dup2() onto a reserved but not yet installed descriptor goes ahead instead of -EBUSY',
  },
  {
    name: 'prog_run.keep-bracket',
    kind: 'bug',
    hazard: '00-R53',
    about: 'BPF_PROG_RUN holds fdget() around the run instead of a reference on the program',
  },
  {
    name: 'bpf_map.free-at-once',
    kind: 'bug',
    hazard: '',
    about: 'bpf_map_put() frees a map with its last reference, without a grace period',
  },
  {
    name: 'eventfd_write.early-active',
    kind: 'bug',
    hazard: '',
    about: 'eventfd_write() looks for sleepers before it takes the lock, instead of under it',
  },
  {
    name: 'task_work.no-notify',
    kind: 'bug',
    hazard: '00-H9',
    about: 'queued task work does not force a task that loops in the kernel out to user mode',
  },
  {
    name: 'fork.keep-pointer',
    kind: 'bug',
    hazard: '00-H10',
    about: "dup_task_struct() leaves the pointer to the parent's per-task storage in the child",
  },
  {
    name: 'record-kill.late-record',
    kind: 'bug',
    hazard: '03-H2',
    about: 'what an acquiring call gave is recorded after the call, with a window in between',
  },
  {
    name: 'record-kill.no-releasing-mark',
    kind: 'bug',
    hazard: '03-H3',
    about: 'an entry looks held until its release has ended',
  },
  {
    name: 'record-kill.erase-by-address',
    kind: 'bug',
    hazard: '03-H4',
    about: 'a release erases every entry of the address instead of one',
  },
  {
    name: 'record-kill.keep-stashed',
    kind: 'bug',
    hazard: '03-H5',
    about: 'bpf_kptr_xchg() does not take what it stores out of the record',
  },
  {
    name: 'record-kill.per-task',
    kind: 'bug',
    hazard: '03-H6',
    about: 'a task has one record, whoever runs in its context',
  },
  {
    name: 'record-kill.oldest-first',
    kind: 'bug',
    hazard: '03-H7',
    about: 'a kill gives back the oldest first',
  },
  {
    name: 'record-kill.no-deferral',
    kind: 'bug',
    hazard: '03-H8',
    about: 'a kill calls releases that may sleep within atomic sections',
  },
  {
    name: 'rqspinlock.no-deadlock-check',
    kind: 'bug',
    hazard: '03-H10',
    about:
      'who waits for a resilient lock looks neither for deadlocks nor for how long it has ' +
      'waited, as with plain spin locks',
  },
  {
    name: 'task-storage-mmap',
    kind: 'feature',
    hazard: '05-R29',
    about:
      'mmap(2) of a task storage map shows the value of the calling thread; a child has no part ' +
      'of it',
  },
  {
    name: 'task-storage-mmap.share',
    kind: 'feature',
    hazard: '05-R29',
    about: 'with task-storage-mmap: after a fork the child maps the value of its parent',
  },
  {
    name: 'task-storage-mmap.clone',
    kind: 'feature',
    hazard: '05-R29',
    about: 'with task-storage-mmap: after a fork the child maps a value of its own, a copy',
  },
  {
    name: 'regwrite',
    kind: 'feature',
    hazard: '05-R3',
    about:
      'threads register memory by prctl(2), to which programs may write: a patch of 2024 that ' +
      'was not merged, with its defects',
  },
  {
    name: 'regwrite.fixed',
    kind: 'feature',
    hazard: '05-R17',
    about:
      'with regwrite: regions do not overlap, arrays are replaced as a whole, and go before ' +
      'memory does; a failed fork frees none of its parent',
  },
  {
    name: 'slab.no-kasan',
    kind: 'config',
    hazard: '05-H2',
    about:
      'freed memory is given out again at once, and who still uses it is not seen: as without ' +
      'CONFIG_KASAN',
  },
  {
    name: 'regwrite.not-configured',
    kind: 'feature',
    hazard: '05-R4',
    about: 'with regwrite: in the source, and not in this kernel',
  },
];
