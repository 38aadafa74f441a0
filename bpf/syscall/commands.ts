import { EINVAL } from '../../kernel/errno.ts';
import { ENTERED, kernelFunction, type Sim } from '../../sim/request.ts';
import { CMD } from '../uapi.ts';
import { ATTR_BYTES, readAttr, type BpfAttr } from './attr.ts';
import { btfLoad } from './btf-commands.ts';
import type { BpfContext, Command } from './context.ts';
import * as ids from './id-commands.ts';
import { objGetInfoByFd } from './info.ts';
import * as links from './link-commands.ts';
import * as maps from './map-commands.ts';
import { objGet, objPin } from './pin.ts';
import { progLoad } from './prog-load.ts';
import { progStreamRead } from './stream-read.ts';
import { BPF_PROG_TERMINATE, progTerminate } from './terminate.ts';
import { progTestRun } from './test-run.ts';

/**
 * The commands of bpf(2), with the functions that do them; '' where those are in line, as a trace
 * shows. kernel/bpf/syscall.c
 */
const ROWS: readonly (readonly [cmd: number, fn: string, command: Command])[] = [
  [CMD.MAP_CREATE, 'map_create', maps.mapCreate],
  [CMD.MAP_LOOKUP_ELEM, 'map_lookup_elem', maps.mapLookupElem],
  [CMD.MAP_UPDATE_ELEM, 'map_update_elem', maps.mapUpdateElem],
  [CMD.MAP_DELETE_ELEM, 'map_delete_elem', maps.mapDeleteElem],
  [CMD.MAP_GET_NEXT_KEY, 'map_get_next_key', maps.mapGetNextKey],
  [CMD.PROG_LOAD, 'bpf_prog_load', progLoad],
  [CMD.OBJ_PIN, 'bpf_obj_pin', objPin],
  [CMD.OBJ_GET, 'bpf_obj_get', objGet],
  [CMD.PROG_TEST_RUN, '', progTestRun],
  [CMD.PROG_GET_NEXT_ID, 'bpf_obj_get_next_id', ids.progGetNextId],
  [CMD.MAP_GET_NEXT_ID, 'bpf_obj_get_next_id', ids.mapGetNextId],
  [CMD.PROG_GET_FD_BY_ID, 'bpf_prog_get_fd_by_id', ids.progGetFdById],
  [CMD.MAP_GET_FD_BY_ID, 'bpf_map_get_fd_by_id', ids.mapGetFdById],
  [CMD.OBJ_GET_INFO_BY_FD, 'bpf_obj_get_info_by_fd', objGetInfoByFd],
  [CMD.RAW_TRACEPOINT_OPEN, 'bpf_raw_tracepoint_open', links.rawTracepointOpen],
  [CMD.BTF_LOAD, 'bpf_btf_load', btfLoad],
  [CMD.BTF_GET_FD_BY_ID, 'bpf_btf_get_fd_by_id', ids.btfGetFdById],
  [CMD.MAP_LOOKUP_AND_DELETE_ELEM, 'map_lookup_and_delete_elem', maps.mapLookupAndDeleteElem],
  [CMD.MAP_FREEZE, 'map_freeze', maps.mapFreeze],
  [CMD.BTF_GET_NEXT_ID, 'bpf_obj_get_next_id', ids.btfGetNextId],
  [CMD.LINK_CREATE, 'link_create', links.linkCreate],
  [CMD.LINK_UPDATE, 'link_update', links.linkUpdate],
  [CMD.LINK_GET_FD_BY_ID, 'bpf_link_get_fd_by_id', ids.linkGetFdById],
  [CMD.LINK_GET_NEXT_ID, 'bpf_obj_get_next_id', ids.linkGetNextId],
  [CMD.LINK_DETACH, 'link_detach', links.linkDetach],
  [CMD.PROG_STREAM_READ_BY_FD, 'prog_stream_read', progStreamRead],
  [BPF_PROG_TERMINATE, 'bpf_prog_terminate', progTerminate],
];

const COMMANDS: ReadonlyMap<number, Command> = new Map(
  ROWS.map(([cmd, name, { endBytes, run }]) => [
    cmd,
    { endBytes, run: name === '' ? run : kernelFunction(name, run) },
  ]),
);

/** kernel/bpf/syscall.c: __sys_bpf() */
const __sys_bpf = kernelFunction(
  '__sys_bpf',
  function* (bpf: BpfContext, cmd: number, addr: number, size: number): Sim<number> {
    const attr = yield* readAttr(bpf.kernel, addr, size);
    if (typeof attr === 'number') return attr;
    if (bpf.kernel.security.isOn) {
      const refused = yield* security_bpf(bpf, cmd, attr);
      if (refused !== 0) return refused;
    }
    const command = COMMANDS.get(cmd);
    if (!command || attr.hasBeyond(command.endBytes)) return -EINVAL;
    return yield* command.run(bpf, attr);
  },
);

/** bpf(2). What hangs on it has been told of its registers: kernel/syscall.ts. */
export const sysBpf = kernelFunction('__x64_sys_bpf', __sys_bpf, '', ENTERED);

/** What security modules say of a call: they see the attributes on the caller's stack. */
function* security_bpf({ kernel, hooks }: BpfContext, cmd: number, attr: BpfAttr): Sim<number> {
  const { memory } = kernel.machine;
  const { scratch } = hooks.rules;
  const at = scratch.take(ATTR_BYTES);
  if (at === 0) return 0;
  memory.unwatched(() => memory.copyIn(at, attr.bytes));
  const result = yield* kernel.security.security_bpf(cmd, at, attr.sizeBytes);
  scratch.give(at, ATTR_BYTES);
  return result;
}
