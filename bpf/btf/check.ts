import { E2BIG, EEXIST, EINVAL } from '../../kernel/errno.ts';
import { logMember, logType, logWrong } from './log.ts';
import { isModifier } from './resolve.ts';
import type { Btf, BtfType } from './types.ts';

export interface BtfProblem {
  readonly errno: number;
  readonly message: string;
}

/**
 * Whether every type refers to types that are there and that it may have, and none contains itself.
 * The first problem, or undefined. `depthMax`: as many types that are not yet resolved may nest, by
 * the order in which they stand. A kernel's own types may nest deeper.
 * kernel/bpf/btf.c: btf_check_all_types(), btf_resolve()
 */
export function checkTypes({ types }: Btf, depthMax: number): BtfProblem | undefined {
  for (let id = 1; id < types.length; id++) {
    const wrong = checkRefs(types, types[id]!);
    if (wrong !== undefined) {
      return { errno: EINVAL, message: logWrong(logType(types, id), wrong) };
    }
  }
  return findLoop(types, partsOf, depthMax) ?? findLoop(types, targetsOf, depthMax);
}

type Types = Btf['types'];

/** What is wrong with what it refers to, in the kernel's words. */
function checkRefs(types: Types, type: BtfType): string | undefined {
  const exists = (id: number): boolean => id < types.length;
  switch (type.kind) {
    case 'array':
      if (!isValue(types, type.indexType)) return 'Invalid index';
      return isValue(types, type.type) ? undefined : 'Invalid elem';
    case 'struct':
    case 'union': {
      const wrong = type.members.find((member) => !isValue(types, member.type));
      return wrong && logMember(wrong, 'Invalid member');
    }
    case 'func_proto': {
      if (!exists(type.type)) return 'Invalid return type';
      const wrong = type.params.findIndex((param) => !exists(param.type));
      return wrong < 0 ? undefined : `Invalid arg#${wrong + 1}`;
    }
    case 'func':
      return types[type.type]?.kind === 'func_proto' ? undefined : 'Invalid type_id';
    case 'datasec': {
      const wrong = type.vars.some(({ type: of }) => !isInDatasec(types[of]));
      return wrong ? 'Not a VAR kind member' : undefined;
    }
    case 'decl_tag':
      return checkDeclTag(types, type.type, type.component);
    default:
      if (!('type' in type)) return undefined;
      return type.type === 0 || isReferable(types, type.type) ? undefined : 'Invalid type_id';
  }
}

/** Functions stand in .ksyms and, declared extern, until libbpf makes them variables. */
function isInDatasec(type: BtfType | undefined): boolean {
  return type?.kind === 'var' || type?.kind === 'func';
}

/** Not what only stands for itself. kernel/bpf/btf.c: btf_type_is_resolve_source_only() */
function isReferable(types: Types, id: number): boolean {
  const kind = types[id]?.kind;
  return kind !== undefined && kind !== 'var' && kind !== 'datasec' && kind !== 'decl_tag';
}

/** Not what has no values: void, functions. */
function isValue(types: Types, id: number): boolean {
  const kind = types[id]?.kind;
  return isReferable(types, id) && kind !== 'func' && kind !== 'func_proto' && kind !== 'fwd';
}

function checkDeclTag(types: Types, id: number, component: number): string | undefined {
  const type = types[id];
  let parts = 0;
  switch (type?.kind) {
    case 'struct':
    case 'union':
      parts = type.members.length;
      break;
    case 'func': {
      const proto = types[type.type];
      parts = proto?.kind === 'func_proto' ? proto.params.length : 0;
      break;
    }
    case 'var':
    case 'typedef':
      break;
    default:
      return 'Invalid type_id';
  }
  return component >= -1 && component < parts ? undefined : 'Invalid component_idx';
}

/** The types of which a value of this type holds values: what must not lead back to it. */
function partsOf(type: BtfType): readonly number[] {
  if (isModifier(type)) return [type.type];
  switch (type.kind) {
    case 'array':
      return [type.type, type.indexType];
    case 'var':
      return [type.type];
    case 'struct':
    case 'union':
      return type.members.map((member) => member.type);
    default:
      return [];
  }
}

/** Where pointers lead, which no more than values may be to themselves. RESOLVE_PTR */
function targetsOf(type: BtfType): readonly number[] {
  return isModifier(type) || type.kind === 'ptr' ? [type.type] : [];
}

const ON_PATH = 1;
const RESOLVED = 2;

interface Step {
  readonly id: number;
  readonly parts: readonly number[];
  next: number;
}

/** Without recursion, since what is checked may be made to nest as deep as it likes. */
function findLoop(
  types: Types,
  follow: (type: BtfType) => readonly number[],
  depthMax: number,
): BtfProblem | undefined {
  const seen = new Uint8Array(types.length);
  const path: Step[] = [];
  const enter = (id: number): void => {
    seen[id] = ON_PATH;
    path.push({ id, parts: follow(types[id]!), next: 0 });
  };
  for (let root = 1; root < types.length; root++) {
    if (seen[root] === 0) enter(root);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const part = top.parts[top.next++];
      if (part === undefined) {
        path.pop();
        seen[top.id] = RESOLVED;
      } else if (part === 0 || seen[part] === RESOLVED) {
        continue;
      } else if (seen[part] === ON_PATH) {
        return { errno: EEXIST, message: `${logType(types, part)} Loop detected` };
      } else if (path.length >= depthMax) {
        const message = `${logType(types, root)} Exceeded max resolving depth:${depthMax}`;
        return { errno: E2BIG, message };
      } else {
        enter(part);
      }
    }
  }
  return undefined;
}
