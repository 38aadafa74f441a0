import type { Btf } from '../../btf/types.ts';
import type { BpfMap } from '../../maps/map.ts';
import { Scalar } from './scalar.ts';
import { ITER_INVALID, NOT_INIT, SCALAR_VALUE } from '../types.ts';

/**
 * What the verifier knows of one register, or of a slot of the stack: a value, never changed, so
 * that states share it. Which of the fields after `delta` mean something is said by the type; those
 * that do not have their value in NOTHING. include/linux/bpf_verifier.h: struct bpf_reg_state
 */
export interface RegFields {
  /** Base type and flags: types.ts. */
  readonly type: number;
  /** A scalar's value; of a pointer: what may be added to where it points, constant or not. */
  readonly s: Scalar;
  /** Registers of the same id hold the same scalar, or come from the same pointer; 0: none. */
  readonly id: number;
  /** The id of the object that this one is derived from: with it, this one becomes invalid. */
  readonly parentId: number;
  /** Of linked scalars: what has been added since they were the same. */
  readonly delta: number;
  /** PTR_TO_STACK: whose stack. */
  readonly frameno: number;
  /** Whether a scalar's value matters to the safety of what follows. */
  readonly precise: boolean;
  /** CONST_PTR_TO_MAP, PTR_TO_MAP_VALUE, PTR_TO_MAP_KEY. `mapUid` tells inner maps apart. */
  readonly map: BpfMap | undefined;
  readonly mapUid: number;
  /** PTR_TO_BTF_ID, and the iterator type of a STACK_ITER slot. */
  readonly btf: Btf | undefined;
  readonly btfId: number;
  /** PTR_TO_MEM: bytes. */
  readonly memSize: number;
  /** PTR_TO_PACKET: bytes known to be there; AT_PKT_END, BEYOND_PKT_END. */
  readonly range: number;
  /** STACK_DYNPTR slots and CONST_PTR_TO_DYNPTR. */
  readonly dynptrType: number;
  readonly firstSlot: boolean;
  /** STACK_ITER slots: enum bpf_iter_state, and how often it has been called for the next. */
  readonly iterState: number;
  readonly iterDepth: number;
  /** STACK_IRQ_FLAG slots. */
  readonly irqClass: number;
  /** PTR_TO_FUNC */
  readonly subprogno: number;
}

/** PTR_TO_PACKET: is equal to the end, or behind it. */
export const AT_PKT_END = -1;
export const BEYOND_PKT_END = -2;

export class Reg implements RegFields {
  declare readonly type: number;
  declare readonly s: Scalar;
  declare readonly id: number;
  declare readonly parentId: number;
  declare readonly delta: number;
  declare readonly frameno: number;
  declare readonly precise: boolean;
  declare readonly map: BpfMap | undefined;
  declare readonly mapUid: number;
  declare readonly btf: Btf | undefined;
  declare readonly btfId: number;
  declare readonly memSize: number;
  declare readonly range: number;
  declare readonly dynptrType: number;
  declare readonly firstSlot: boolean;
  declare readonly iterState: number;
  declare readonly iterDepth: number;
  declare readonly irqClass: number;
  declare readonly subprogno: number;

  constructor(from: RegFields) {
    this.type = from.type;
    this.s = from.s;
    this.id = from.id;
    this.parentId = from.parentId;
    this.delta = from.delta;
    this.frameno = from.frameno;
    this.precise = from.precise;
    this.map = from.map;
    this.mapUid = from.mapUid;
    this.btf = from.btf;
    this.btfId = from.btfId;
    this.memSize = from.memSize;
    this.range = from.range;
    this.dynptrType = from.dynptrType;
    this.firstSlot = from.firstSlot;
    this.iterState = from.iterState;
    this.iterDepth = from.iterDepth;
    this.irqClass = from.irqClass;
    this.subprogno = from.subprogno;
  }

  /** The same with some fields changed. */
  with(changes: Partial<RegFields>): Reg {
    return Object.assign(new Reg(this), changes);
  }
}

const NOTHING: RegFields = {
  type: NOT_INIT,
  s: Scalar.UNKNOWN,
  id: 0,
  parentId: 0,
  delta: 0,
  frameno: 0,
  precise: false,
  map: undefined,
  mapUid: 0,
  btf: undefined,
  btfId: 0,
  memSize: 0,
  range: 0,
  dynptrType: 0,
  firstSlot: false,
  iterState: ITER_INVALID,
  iterDepth: 0,
  irqClass: 0,
  subprogno: 0,
};

/** Nothing was written to it. mark_reg_not_init() */
export const NOT_INIT_REG = new Reg(NOTHING);
/** bpf_mark_reg_unknown_imprecise() */
export const UNKNOWN_REG = new Reg({ ...NOTHING, type: SCALAR_VALUE });
/** Where nothing needs to be exact only because a privileged user asks. */
export const UNKNOWN_PRECISE_REG = UNKNOWN_REG.with({ precise: true });

/** A scalar of such a value, precise or not. */
export function scalarReg(s: Scalar, precise = false): Reg {
  return new Reg({ ...NOTHING, type: SCALAR_VALUE, s, precise });
}

/** mark_reg_known() */
export function constReg(value: bigint, precise = false): Reg {
  return scalarReg(Scalar.of(value), precise);
}

/** A pointer to the start of something. mark_reg_known_zero(), and a type. */
export function pointerReg(type: number, more: Partial<RegFields> = {}): Reg {
  return new Reg({ ...NOTHING, s: Scalar.ZERO, ...more, type });
}

/** bpf_register_is_null() */
export function isNullReg(reg: Reg): boolean {
  return reg.type === SCALAR_VALUE && reg.s.isConst && reg.s.value === 0n;
}
