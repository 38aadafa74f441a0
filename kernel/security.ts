import { kernelText, type Sim } from '../sim/request.ts';
import { ENOSYS } from './errno.ts';
import type { Machine } from './machine.ts';
import type { Task } from './task.ts';

/** include/linux/fs.h: what security_file_permission() is asked for. */
export const MAY_WRITE = 2;
export const MAY_READ = 4;

/** What is about to be executed: kernel/process/exec.ts has all of it. */
interface Bprm {
  readonly path: string;
}

function* just(value: number): Sim<number> {
  return value;
}

/**
 * The hooks of security modules, of which there is one: programs. Callers ask `isOn` first: where
 * nothing hangs anywhere, a hook costs nothing. What is not 0 refuses, and is what user space gets.
 * security/security.c, kernel/bpf/bpf_lsm.c
 */
export class Security {
  readonly #machine: Machine;

  constructor(machine: Machine) {
    this.#machine = machine;
  }

  /** Whether anything hangs on any function. */
  get isOn(): boolean {
    return this.#machine.engine.trampolines.isAny;
  }

  *security_file_open(of: number): Sim<number> {
    return yield* this.#call('file_open', [of]);
  }

  *security_file_permission(of: number, mask: number): Sim<number> {
    return yield* this.#call('file_permission', [of, mask]);
  }

  *security_file_ioctl(of: number, cmd: number, arg: number): Sim<number> {
    return yield* this.#call('file_ioctl', [of, cmd, arg]);
  }

  *security_file_fcntl(of: number, cmd: number, arg: number): Sim<number> {
    return yield* this.#call('file_fcntl', [of, cmd, arg]);
  }

  *security_file_receive(of: number): Sim<number> {
    return yield* this.#call('file_receive', [of]);
  }

  /** `of`: 0 for anonymous memory. */
  *security_mmap_file(of: number, prot: number, flags: number): Sim<number> {
    return yield* this.#call('mmap_file', [of, prot, flags]);
  }

  *security_task_alloc(child: Task, flags: number): Sim<number> {
    return yield* this.#call('task_alloc', [child, flags >>> 0]);
  }

  *security_task_free(of: Task): Sim<void> {
    yield* this.#call('task_free', [of]);
  }

  /** `cred`: on whose behalf, where that is not the current task. */
  *security_task_kill(to: Task, info: number, sig: number, cred: number): Sim<number> {
    return yield* this.#call('task_kill', [to, info, sig, cred]);
  }

  /**
   * What prctl(2) gives, or -ENOSYS: nobody has an opinion. `capability` is what the capability
   * module has said, which is asked first: no other is, where that is neither 0 nor -ENOSYS.
   */
  *security_task_prctl(
    option: number,
    arg2: number,
    arg3: number,
    arg4: number,
    arg5: number,
    capability = -ENOSYS,
  ): Sim<number> {
    if (capability !== 0 && capability !== -ENOSYS) return capability;
    const given = yield* this.#call('task_prctl', [option, arg2, arg3, arg4, arg5], -ENOSYS);
    return given === -ENOSYS ? capability : given;
  }

  *security_bprm_creds_for_exec(of: Bprm): Sim<number> {
    return yield* this.#call('bprm_creds_for_exec', [of]);
  }

  *security_bprm_check(of: Bprm): Sim<number> {
    return yield* this.#call('bprm_check_security', [of]);
  }

  *security_bprm_committing_creds(of: Bprm): Sim<void> {
    yield* this.#call('bprm_committing_creds', [of]);
  }

  *security_bprm_committed_creds(of: Bprm): Sim<void> {
    yield* this.#call('bprm_committed_creds', [of]);
  }

  *security_bpf(cmd: number, attr: number, size: number): Sim<number> {
    return yield* this.#call('bpf', [cmd, attr, size, false]);
  }

  *security_bpf_map(map: number, fmode: number): Sim<number> {
    return yield* this.#call('bpf_map', [map, fmode]);
  }

  *security_bpf_prog(prog: number): Sim<number> {
    return yield* this.#call('bpf_prog', [prog]);
  }

  *security_perf_event_open(type: number): Sim<number> {
    return yield* this.#call('perf_event_open', [type]);
  }

  /** The hook itself, which does nothing: what it returns where no program says otherwise. */
  #call(name: string, args: readonly unknown[], otherwise = 0): Sim<number> {
    return this.#machine.engine.trampolines.call(`bpf_lsm_${name}`, args, just(otherwise));
  }
}

kernelText(Security);
