import { EINVAL } from '../../kernel/errno.ts';
import type { Sim } from '../../sim/request.ts';
import { site } from '../../sim/site.ts';
import { args } from '../helpers/args.ts';
import type { Call } from '../helpers/prototype.ts';
import type { ObjectType } from '../objects/object-type.ts';
import { objectsOf } from '../objects/objects.ts';
import { RbTree } from '../objects/rbtree.ts';
import { bpf_rb_node_kern, BPF_PTR_POISON } from '../objects/uapi.ts';
import { kernelAddress } from '../vm/frame.ts';
import { typedKfunc } from './object.ts';
import { kfunc, type Kfunc } from './prototype.ts';

const TAKE = site('__bpf_rbtree_add', 'owner');
const OWN = site('__bpf_rbtree_add', 'own');
const REMOVE = site('bpf_rbtree_remove', 'owner');
const LET_GO = site('bpf_rbtree_remove', 'release');
const LOOK = site('bpf_rbtree_left', 'owner');
const { owner: OWNER, __rb_parent_color: PARENT } = bpf_rb_node_kern.off;

function treeOf({ memory }: Call, root: number): RbTree {
  return new RbTree(memory, root);
}

/** `less` is the slot of the callback that compares. A node that is in a tree is dropped. */
function* add(call: Call, type: ObjectType, root: number, node: number, less: number): Sim<number> {
  const { atomics } = call.kernel;
  if ((yield* atomics.cmpxchg64(TAKE, node + OWNER, 0n, BPF_PTR_POISON)) !== 0n) {
    yield* objectsOf(call.kernel).release(node, type);
    return -EINVAL;
  }
  const tree = treeOf(call, root);
  let parent = 0;
  let isLeft = false;
  let isLeftmost = true;
  for (let at = tree.top; at !== 0; at = isLeft ? tree.left(at) : tree.right(at)) {
    parent = at;
    isLeft = (yield* call.callback(less, node, at)) !== 0n;
    if (!isLeft) isLeftmost = false;
  }
  tree.insert(node, parent, isLeft, isLeftmost);
  yield* atomics.write64(OWN, node + OWNER, kernelAddress(root));
  return 0;
}

function adding(name: string): Kfunc {
  return typedKfunc(name, { args: [args.btfId, args.btfId, args.func], run: add });
}

function* isIn({ kernel }: Call, where: number, root: number, node: number): Sim<boolean> {
  return (yield* kernel.atomics.read64(where, node + OWNER)) === kernelAddress(root);
}

function child(name: string, isLeft: boolean): Kfunc {
  return kfunc({
    name,
    args: [args.btfId, args.btfId],
    isPointer: true,
    *run(call, root, node) {
      if (!(yield* isIn(call, LOOK, root, node))) return 0;
      const tree = treeOf(call, root);
      return isLeft ? tree.left(node) : tree.right(node);
    },
  });
}

/** kernel/bpf/helpers.c */
export const RBTREE_KFUNCS: readonly Kfunc[] = [
  adding('bpf_rbtree_add'),
  adding('bpf_rbtree_add_impl'),
  typedKfunc('bpf_rbtree_remove', {
    args: [args.btfId, args.btfId],
    isPointer: true,
    acquires: true,
    *run(call, _, root, node) {
      if (!(yield* isIn(call, REMOVE, root, node))) return 0;
      treeOf(call, root).erase(node);
      call.memory.setU64(node + PARENT, kernelAddress(node));
      yield* call.kernel.atomics.write64(LET_GO, node + OWNER, 0n);
      return node;
    },
  }),
  kfunc({
    name: 'bpf_rbtree_first',
    args: [args.btfId],
    isPointer: true,
    run: (call, root) => treeOf(call, root).leftmost,
  }),
  kfunc({
    name: 'bpf_rbtree_root',
    args: [args.btfId],
    isPointer: true,
    run: (call, root) => treeOf(call, root).top,
  }),
  child('bpf_rbtree_left', true),
  child('bpf_rbtree_right', false),
];
