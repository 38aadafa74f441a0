import type { Btf } from '../btf/types.ts';
import type { BpfMap } from '../maps/map.ts';
import type { ObjectType } from '../objects/object-type.ts';

/**
 * What the passes find out about one instruction, and the fix-ups go by. struct bpf_insn_aux_data.
 * All fields are there from the start, so that every object has the same shape.
 */
export class InsnAux {
  /** Loads and stores: the type of the pointer; NOT_INIT: never come to. */
  ptrType = 0;
  /** Loads and stores: one bit for each base type of pointer, of all paths. */
  accessTypes = 0;
  /** Helper calls with a map: which, if always the same; `poison`: several. */
  mapPtr: BpfMap | undefined = undefined;
  mapPtrPoison = false;
  mapPtrUnpriv = false;
  /** Constant key: BPF_MAP_KEY_*, see calls of maps. */
  mapKeyState = 0n;
  /** ld_imm64 of a kernel variable: its type, and what it points to. */
  btfVarType = 0;
  btfVarBtf: Btf | undefined = undefined;
  btfVarId = 0;
  btfVarMemSize = 0;
  /** Limits of pointer arithmetic under speculation: BPF_ALU_SANITIZE_* */
  aluState = 0;
  aluLimit = 0;
  /** bpf_loop(): whether its callback and flags are always the same. */
  loopInitialized = false;
  loopFitForInline = false;
  loopCallbackSubprogno = 0;
  /** What kind of object a call makes, moves or gives up. kptr_struct_meta, obj_new_size */
  objectType: ObjectType | undefined = undefined;
  ctxFieldSize = 0;
  /** bpf_kptr_xchg(): the type of what comes out; `mixed`: not always the same. */
  xchgType = '';
  /** The pass (of env.passCnt) in which it was last come to; 0: dead. */
  seen = 0;
  nospec = false;
  nospecResult = false;
  nonSleepable = false;
  /** Arithmetic on an address in an arena: only its low half counts. */
  needsZext = false;
  isIterNext = false;
  fastcallPattern = false;
  fastcallSpillsNum = 0;
  argProg = 0;
  jmpPoint = false;
  prunePoint = false;
  forceCheckpoint = false;
  callsCallback = false;
  jumpTarget = false;
  /** Strongly connected component of the control flow; 0: none of more than itself. */
  scc = 0;
  /** Bits of registers alive before it. */
  liveRegsBefore = 0;
  /** Bits of registers known to hold a constant, a map, a function; by register, what. */
  constRegMask = 0;
  constRegMapMask = 0;
  constRegSubprogMask = 0;
  constRegVals: number[] | undefined = undefined;
  /** ld_imm64 of a map: its index in env.usedMaps, and the offset into its value. */
  mapIndex = 0;
  mapOff = 0;
  /** Where it goes on: successors.ts. */
  successors: readonly number[] | undefined = undefined;
  /** Jump table of gotox; where tail calls and packet loads go on, or end the function. */
  jt: readonly number[] | undefined = undefined;
}
