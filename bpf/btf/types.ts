/**
 * The types of BTF, one a kind. `name` is '' where a type has none. Ids count from 1, 0 is void.
 * include/uapi/linux/btf.h
 */
export type BtfType =
  | {
      readonly kind: 'int';
      readonly name: string;
      readonly sizeBytes: number;
      readonly encoding: 'signed' | 'char' | 'bool' | '';
      readonly bitOffset: number;
      readonly bits: number;
    }
  | { readonly kind: 'ptr'; readonly name: ''; readonly type: number }
  | {
      readonly kind: 'array';
      readonly name: '';
      readonly type: number;
      readonly indexType: number;
      readonly count: number;
    }
  | {
      readonly kind: 'struct' | 'union';
      readonly name: string;
      readonly sizeBytes: number;
      readonly members: readonly BtfMember[];
    }
  | {
      readonly kind: 'enum' | 'enum64';
      readonly name: string;
      readonly sizeBytes: number;
      readonly signed: boolean;
      readonly values: readonly { readonly name: string; readonly value: bigint }[];
    }
  | { readonly kind: 'fwd'; readonly name: string; readonly of: 'struct' | 'union' }
  | {
      readonly kind: 'typedef' | 'volatile' | 'const' | 'restrict' | 'type_tag';
      readonly name: string;
      readonly type: number;
    }
  | {
      readonly kind: 'func';
      readonly name: string;
      readonly type: number;
      readonly linkage: 'static' | 'global' | 'extern';
    }
  | {
      readonly kind: 'func_proto';
      readonly name: '';
      readonly type: number; // what it returns
      readonly params: readonly { readonly name: string; readonly type: number }[];
    }
  | {
      readonly kind: 'var';
      readonly name: string;
      readonly type: number;
      readonly linkage: 'static' | 'global' | 'extern';
    }
  | {
      readonly kind: 'datasec';
      readonly name: string;
      readonly sizeBytes: number;
      readonly vars: readonly {
        readonly type: number;
        readonly offsetBytes: number;
        readonly sizeBytes: number;
      }[];
    }
  | { readonly kind: 'float'; readonly name: string; readonly sizeBytes: number }
  | {
      readonly kind: 'decl_tag';
      readonly name: string;
      readonly type: number;
      /** The member or parameter it is about; -1: the type itself. */
      readonly component: number;
    };

export interface BtfMember {
  readonly name: string;
  readonly type: number;
  readonly bitOffset: number;
  /** 0: no bitfield. */
  readonly bits: number;
}

export type BtfKind = BtfType['kind'];
export type BtfOf<K extends BtfKind> = Extract<BtfType, { readonly kind: K }>;

/** The types of one object, or of the kernel; `types[0]` is void, and has no kind. */
export interface Btf {
  /** Index is the id. types[0] is undefined: void. */
  readonly types: readonly (BtfType | undefined)[];
  /** Ids of the types of a name, ascending. */
  idsOf(name: string): readonly number[];
}
