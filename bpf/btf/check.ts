import { EINVAL, ELOOP } from '../../kernel/errno.ts';
import { DEPTH_MAX } from './resolve.ts';
import type { Btf, BtfType } from './types.ts';

export interface BtfProblem {
  readonly errno: number;
  readonly message: string;
}

/**
 * Whether every type refers to types that are there and that it may have, and none contains itself.
 * The first problem, or undefined. kernel/bpf/btf.c: btf_check_all_types(), btf_resolve()
 */
export function checkTypes(btf: Btf): BtfProblem | undefined {
  const { types } = btf;
  for (let id = 1; id < types.length; id++) {
    const type = types[id]!;
    const wrong = checkType(types, type);
    if (wrong) return { errno: EINVAL, message: `[${id}] ${wrong}` };
  }
  return findLoop(types);
}

function checkType(types: Btf['types'], type: BtfType): string | undefined {
  for (const id of refsOf(type)) {
    if (id >= types.length) return `Invalid type_id ${id}`;
  }
  switch (type.kind) {
    case 'typedef':
    case 'func':
    case 'var':
    case 'decl_tag':
    case 'type_tag':
    case 'datasec':
      if (type.name === '') return 'Invalid name';
      break;
    default:
  }
  if (type.kind === 'func' && types[type.type]?.kind !== 'func_proto') return 'Invalid type_id';
  if (type.kind === 'struct' || type.kind === 'union') {
    for (const { name, type: of, bitOffset } of type.members) {
      if (of === 0) return `Invalid member type of ${name}`;
      if (bitOffset > type.sizeBytes * 8) return `Member bits_offset exceeds its struct size`;
    }
  }
  if (type.kind === 'datasec') {
    for (const { type: of, offsetBytes, sizeBytes } of type.vars) {
      if (types[of]?.kind !== 'var' && types[of]?.kind !== 'func') return 'Not a VAR kind member';
      if (type.sizeBytes > 0 && offsetBytes + sizeBytes > type.sizeBytes) {
        return 'Invalid offset+size';
      }
    }
  }
  return undefined;
}

function refsOf(type: BtfType): readonly number[] {
  switch (type.kind) {
    case 'array':
      return [type.type, type.indexType];
    case 'struct':
    case 'union':
      return type.members.map((member) => member.type);
    case 'func_proto':
      return [type.type, ...type.params.map((param) => param.type)];
    case 'datasec':
      return type.vars.map((entry) => entry.type);
    default:
      return 'type' in type ? [type.type] : [];
  }
}

/** The types of which a value of this type holds values: what must not lead back to it. */
function partsOf(type: BtfType): readonly number[] {
  switch (type.kind) {
    case 'typedef':
    case 'const':
    case 'volatile':
    case 'restrict':
    case 'type_tag':
    case 'array':
    case 'var':
      return [type.type];
    case 'struct':
    case 'union':
      return type.members.map((member) => member.type);
    default:
      return [];
  }
}

/** Without recursion, since what is checked may be made to nest as deep as it likes. */
function findLoop(types: Btf['types']): BtfProblem | undefined {
  const height = new Int32Array(types.length); // 0 not seen, -1 on the path, else nesting
  for (let root = 1; root < types.length; root++) {
    if (height[root] !== 0) continue;
    const path: { id: number; parts: readonly number[]; next: number; deepest: number }[] = [];
    const enter = (id: number): void => {
      height[id] = -1;
      path.push({ id, parts: partsOf(types[id]!), next: 0, deepest: 0 });
    };
    enter(root);
    while (path.length > 0) {
      const top = path.at(-1)!;
      if (top.next >= top.parts.length) {
        path.pop();
        height[top.id] = top.deepest + 1;
        const above = path.at(-1);
        if (above) above.deepest = Math.max(above.deepest, height[top.id]!);
        if (height[top.id]! > DEPTH_MAX) {
          return { errno: EINVAL, message: `[${top.id}] Exceeded max resolving depth` };
        }
        continue;
      }
      const part = top.parts[top.next++]!;
      if (part === 0) continue;
      if (height[part] === -1) return { errno: ELOOP, message: `[${part}] Loop detected` };
      if (height[part] === 0) enter(part);
      else top.deepest = Math.max(top.deepest, height[part]!);
    }
  }
  return undefined;
}
