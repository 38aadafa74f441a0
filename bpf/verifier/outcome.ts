/**
 * Where a path goes from an instruction: to the one behind it; to env.insnIdx, which has been set;
 * or nowhere, since the path ends. do_check_insn(): 0, INSN_IDX_UPDATED, PROCESS_BPF_EXIT
 */
export type Outcome = 'next' | 'moved' | 'exit';
