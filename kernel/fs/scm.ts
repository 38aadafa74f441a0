import { assert } from '../../base/assert.ts';
import { kernelText, step, type Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { EBADF, EINVAL, EFAULT, EPERM, ENOMEM, ETOOMANYREFS } from '../errno.ts';
import type { Machine } from '../machine.ts';
import type { Security } from '../security.ts';
import { cred, signal_struct } from '../structs.ts';
import { intAt, intBytes, longBytes, unsignedAt, type DriverParts } from './driver.ts';
import type { Lookup } from './lookup.ts';
import type { Msg } from './msghdr.ts';
import { O_CLOEXEC } from './uapi.ts';
import {
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  SCM_CREDENTIALS,
  SCM_MAX_FD,
  SCM_RIGHTS,
  scm_fp_list,
  SOL_SOCKET,
  user_struct,
} from './unix-structs.ts';

/** struct cmsghdr on x86-64: its length, level and type; then the data. */
const CMSG_LEVEL = 8;
const CMSG_TYPE = 12;
const CMSG_HEADER = 16;
const UCRED_BYTES = 12;

/** How many users may send descriptors in one run. */
const USERS_MAX = 32;

const CAP_SYS_ADMIN = 21;
const CAP_SYS_RESOURCE = 24;

const GET = site('scm_fp_copy', 'get');
const SECURITY = site('receive_fd', 'security');
const COPY = site('receive_fd', 'copy');
const DESTROY = site('__scm_destroy', 'put');

export interface ScmParts extends Pick<
  DriverParts,
  'cpus' | 'kasan' | 'user' | 'tables' | 'files'
> {
  readonly lookup: Pick<Lookup, 'fget_raw'>;
  readonly security: Security;
  /** Of the current task. kernel/cred.ts */
  readonly capable: (cap: number) => boolean;
}

/** What goes with a message beside its data: struct scm_cookie. `fp` is a scm_fp_list, or 0. */
export interface Scm {
  fp: number;
}

/** Descriptors in messages. net/core/scm.c, fs/file.c: receive_fd(). Spec 00 R23 */
export class ScmRights {
  readonly #machine: Machine;
  readonly #parts: ScmParts;
  readonly #users: number;

  constructor(machine: Machine, parts: ScmParts) {
    this.#machine = machine;
    this.#parts = parts;
    this.#users = machine.slab.kzalloc(USERS_MAX * user_struct.sizeBytes);
  }

  // Sending.

  /** Reads the control data, and takes a reference to each file in it: 0 or -errno. scm_send() */
  *__scm_send(control: Uint8Array, scm: Scm): Sim<number> {
    let at = 0;
    let result = 0;
    while (result >= 0 && control.length - at >= CMSG_HEADER) {
      const length = Number(unsignedAt(control, at, 8));
      if (length < CMSG_HEADER || length > control.length - at) result = -EINVAL;
      else if (intAt(control, at + CMSG_LEVEL) === SOL_SOCKET) {
        const data = control.subarray(at + CMSG_HEADER, at + length);
        result = yield* this.#read(intAt(control, at + CMSG_TYPE), data, scm);
      }
      at += Math.ceil(length / 8) * 8;
    }
    if (result < 0) yield* this.scm_destroy(scm);
    return Math.min(result, 0);
  }

  *#read(type: number, data: Uint8Array, scm: Scm): Sim<number> {
    if (type === SCM_RIGHTS) return yield* this.scm_fp_copy(data, scm);
    return type === SCM_CREDENTIALS ? this.#credentials(data) : -EINVAL;
  }

  /** A reference to each file, in the order given; those before a bad number stay in the list. */
  *scm_fp_copy(data: Uint8Array, scm: Scm): Sim<number> {
    const count = Math.floor(data.length / 4);
    if (count === 0) return 0;
    if (count > SCM_MAX_FD) return -EINVAL;
    const { slab, memory } = this.#machine;
    if (scm.fp === 0) {
      const mayAlloc = this.#machine.mayAlloc('scm_fp_list');
      scm.fp = mayAlloc ? slab.kzalloc(scm_fp_list.sizeBytes) : 0;
      if (scm.fp === 0) return -ENOMEM;
    }
    const list = scm_fp_list.at(memory, scm.fp);
    if (list.count + count > SCM_MAX_FD) return -EINVAL;
    for (let i = 0; i < count; i++) {
      yield* step(GET);
      const fd = intAt(data, 4 * i);
      const file = fd < 0 ? 0 : yield* this.#parts.lookup.fget_raw(fd);
      if (file === 0) return -EBADF;
      memory.setPtr(list.fp + 8 * list.count, file);
      list.count += 1;
    }
    list.uid = this.#uid();
    return count;
  }

  /** A process says who it is: only the truth, or with privileges. scm_check_creds() */
  #credentials(data: Uint8Array): number {
    if (data.length !== UCRED_BYTES) return -EINVAL;
    const { tgid } = this.#parts.cpus.current.s;
    const uid = this.#uid();
    const own = intAt(data, 0) === tgid && Number(unsignedAt(data, 4, 4)) === uid;
    return own || this.#parts.capable(CAP_SYS_ADMIN) ? 0 : -EPERM;
  }

  // In flight.

  /**
   * -ETOOMANYREFS where the user has more in flight than the process may have open.
   * too_many_unix_fds()
   */
  tooMany(): number {
    const { memory } = this.#machine;
    const { signal } = this.#parts.cpus.current.s;
    const limit =
      signal === 0
        ? Infinity
        : memory.unwatched(() => signal_struct.at(memory, signal).rlim_nofile_cur);
    if (this.inflightOf(this.#uid()) <= limit) return 0;
    const { capable } = this.#parts;
    return capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN) ? 0 : -ETOOMANYREFS;
  }

  /** Files a user has in flight. */
  inflightOf(uid: number): number {
    return this.#machine.memory.unwatched(() => this.#user(uid).unix_inflight);
  }

  /** The files of a list have gone into a queue (1) or left it (-1). */
  count(fp: number, by: 1 | -1): void {
    const { memory } = this.#machine;
    memory.unwatched(() => {
      const { uid, count } = scm_fp_list.at(memory, fp);
      this.#user(uid).unix_inflight += by * count;
    });
  }

  filesOf(fp: number): number[] {
    const { memory } = this.#machine;
    if (fp === 0) return [];
    const list = scm_fp_list.at(memory, fp);
    return Array.from({ length: list.count }, (_, i) => memory.ptr(list.fp + 8 * i));
  }

  // Receiving.

  /** Gives the receiver what came with the data, as far as there is room for it. scm_recv_unix() */
  *scm_recv(msg: Msg, scm: Scm): Sim<void> {
    if (scm.fp === 0) return;
    if (msg.control === 0) {
      msg.out |= MSG_CTRUNC;
      yield* this.scm_destroy(scm);
    } else {
      yield* this.scm_detach_fds(msg, scm);
    }
  }

  /** What finds no room is dropped, and MSG_CTRUNC says so. */
  *scm_detach_fds(msg: Msg, scm: Scm): Sim<void> {
    const files = this.filesOf(scm.fp);
    const room = Math.floor((msg.controlBytes - CMSG_HEADER) / 4);
    const data = msg.control + CMSG_HEADER;
    const flags = msg.out & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0;
    let done = 0;
    while (done < Math.min(room, files.length)) {
      if ((yield* this.receive_fd(files[done]!, data + 4 * done, flags)) < 0) break;
      done++;
    }
    if (done > 0) yield* this.#putHeader(msg, done);
    if (done < files.length) msg.out |= MSG_CTRUNC;
    yield* this.scm_destroy(scm);
  }

  *#putHeader(msg: Msg, count: number): Sim<void> {
    const { user } = this.#parts;
    const header = new Uint8Array([
      ...longBytes(BigInt(CMSG_HEADER + 4 * count)),
      ...intBytes(SOL_SOCKET),
      ...intBytes(SCM_RIGHTS),
    ]);
    if ((yield* user.copy_to_user(msg.control, header)) > 0) return;
    const space = CMSG_HEADER + Math.ceil((4 * count) / 8) * 8;
    const used = Math.min(space, msg.controlBytes);
    msg.control += used;
    msg.controlBytes -= used;
  }

  /** Spec 00 R23: the receiver's own reference, then the descriptor. The message keeps its own. */
  *receive_fd(file: number, ufd: number, flags: number): Sim<number> {
    const { tables, files, user, security } = this.#parts;
    yield* step(SECURITY);
    if (security.isOn) {
      const refused = yield* security.security_file_receive(file);
      if (refused !== 0) return refused;
    }
    const fd = yield* tables.get_unused_fd_flags(flags);
    if (fd < 0) return fd;
    yield* step(COPY);
    if ((yield* user.copy_to_user(ufd, intBytes(fd))) > 0) {
      yield* tables.put_unused_fd(fd);
      return -EFAULT;
    }
    yield* files.get_file(file);
    yield* tables.fd_install(fd, file);
    this.#machine.remark(() => `descriptor ${fd} received, refs ${files.count(file)}`);
    return fd;
  }

  /** A copy of the list, with references of its own: for MSG_PEEK. scm_fp_dup() */
  *scm_fp_dup(fp: number): Sim<number> {
    const { slab, memory } = this.#machine;
    const copy = this.#machine.mayAlloc('scm_fp_list') ? slab.kzalloc(scm_fp_list.sizeBytes) : 0;
    if (copy === 0) return 0;
    for (const file of this.filesOf(fp)) yield* this.#parts.files.get_file(file);
    memory.copy(copy, fp, scm_fp_list.sizeBytes);
    return copy;
  }

  /** Drops the references of a message, the last file first. */
  *scm_destroy(scm: Scm): Sim<void> {
    if (scm.fp === 0) return;
    const { fp } = scm;
    scm.fp = 0;
    for (const file of this.filesOf(fp).toReversed()) {
      yield* step(DESTROY);
      yield* this.#parts.files.fput(file);
    }
    this.#parts.kasan.free(fp);
  }

  #uid(): number {
    const { memory } = this.#machine;
    const addr = this.#parts.cpus.current.s.cred;
    return addr === 0 ? 0 : memory.unwatched(() => cred.at(memory, addr).uid);
  }

  /** The user's row, made where there was none. find_user() */
  #user(uid: number): ReturnType<typeof user_struct.at> {
    for (let i = 0; i < USERS_MAX; i++) {
      const user = user_struct.at(this.#machine.memory, this.#users + i * user_struct.sizeBytes);
      if (user.known === 0) {
        user.known = 1;
        user.uid = uid;
      }
      if (user.uid === uid) return user;
    }
    assert(false, `more than ${USERS_MAX} users send descriptors`);
  }
}

kernelText(ScmRights);
