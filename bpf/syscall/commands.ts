import { EINVAL } from '../../kernel/errno.ts';
import type { Sim } from '../../sim/request.ts';
import { CMD } from '../uapi.ts';
import { readAttr } from './attr.ts';
import { btfLoad } from './btf-commands.ts';
import type { BpfContext, Command } from './context.ts';
import * as ids from './id-commands.ts';
import { objGetInfoByFd } from './info.ts';
import * as links from './link-commands.ts';
import * as maps from './map-commands.ts';
import { objGet, objPin } from './pin.ts';
import { progLoad } from './prog-load.ts';
import { progTestRun } from './test-run.ts';

/** The commands of bpf(2), by number. */
const COMMANDS: ReadonlyMap<number, Command> = new Map([
  [CMD.MAP_CREATE, maps.mapCreate],
  [CMD.MAP_LOOKUP_ELEM, maps.mapLookupElem],
  [CMD.MAP_UPDATE_ELEM, maps.mapUpdateElem],
  [CMD.MAP_DELETE_ELEM, maps.mapDeleteElem],
  [CMD.MAP_GET_NEXT_KEY, maps.mapGetNextKey],
  [CMD.PROG_LOAD, progLoad],
  [CMD.OBJ_PIN, objPin],
  [CMD.OBJ_GET, objGet],
  [CMD.PROG_TEST_RUN, progTestRun],
  [CMD.PROG_GET_NEXT_ID, ids.progGetNextId],
  [CMD.MAP_GET_NEXT_ID, ids.mapGetNextId],
  [CMD.PROG_GET_FD_BY_ID, ids.progGetFdById],
  [CMD.MAP_GET_FD_BY_ID, ids.mapGetFdById],
  [CMD.OBJ_GET_INFO_BY_FD, objGetInfoByFd],
  [CMD.RAW_TRACEPOINT_OPEN, links.rawTracepointOpen],
  [CMD.BTF_LOAD, btfLoad],
  [CMD.BTF_GET_FD_BY_ID, ids.btfGetFdById],
  [CMD.MAP_LOOKUP_AND_DELETE_ELEM, maps.mapLookupAndDeleteElem],
  [CMD.MAP_FREEZE, maps.mapFreeze],
  [CMD.BTF_GET_NEXT_ID, ids.btfGetNextId],
  [CMD.LINK_CREATE, links.linkCreate],
  [CMD.LINK_UPDATE, links.linkUpdate],
  [CMD.LINK_GET_FD_BY_ID, ids.linkGetFdById],
  [CMD.LINK_GET_NEXT_ID, ids.linkGetNextId],
  [CMD.LINK_DETACH, links.linkDetach],
]);

/** bpf(2). kernel/bpf/syscall.c: __sys_bpf() */
export function* sysBpf(bpf: BpfContext, cmd: number, addr: number, size: number): Sim<number> {
  const attr = yield* readAttr(bpf.kernel, addr, size);
  if (typeof attr === 'number') return attr;
  const command = COMMANDS.get(cmd);
  if (!command || attr.hasBeyond(command.endBytes)) return -EINVAL;
  return yield* command.run(bpf, attr);
}
