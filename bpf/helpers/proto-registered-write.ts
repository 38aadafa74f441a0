import { RET_INTEGER } from '../verifier/types.ts';
import { ANY, RDONLY_MEM, SIZE } from './arg-protos.ts';
import type { FuncProto } from './proto.ts';

/** Of a patch: no kernel has this number. Only with the feature `regwrite`. Spec 05 R8 */
export const REGISTERED_WRITE: FuncProto = {
  id: 212,
  name: 'bpf_probe_write_user_registered',
  ret: RET_INTEGER,
  args: [ANY, RDONLY_MEM, SIZE, ANY],
  gplOnly: true,
  pktAccess: false,
  mightSleep: false,
  allowFastcall: false,
  isChangingPkt: false,
};
