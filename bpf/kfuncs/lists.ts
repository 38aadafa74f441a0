import { args } from '../helpers/args.ts';
import { listsOf } from '../objects/lists.ts';
import { typedKfunc } from './object.ts';
import { kfunc, type Kfunc } from './prototype.ts';

const HEAD_NODE = [args.btfId, args.btfId] as const;

function push(name: string, isFront: boolean): Kfunc {
  return typedKfunc(name, {
    args: HEAD_NODE,
    run({ kernel }, type, head, node) {
      const lists = listsOf(kernel);
      return lists.__bpf_list_add(node, head, isFront ? head : lists.lastOf(head), type);
    },
  });
}

function pop(name: string, isFront: boolean): Kfunc {
  return typedKfunc(name, {
    args: [args.btfId],
    isPointer: true,
    acquires: true,
    run({ kernel }, _, head) {
      const lists = listsOf(kernel);
      if (lists.isEmpty(head)) return 0;
      return lists.__bpf_list_del(head, isFront ? lists.next(head) : lists.prev(head));
    },
  });
}

function end(name: string, isFront: boolean): Kfunc {
  return kfunc({
    name,
    args: [args.btfId],
    isPointer: true,
    run: ({ kernel }, head) => listsOf(kernel).end(head, isFront),
  });
}

function isEnd(name: string, isFront: boolean): Kfunc {
  return kfunc({
    name,
    args: HEAD_NODE,
    *run({ kernel }, head, node) {
      return (yield* listsOf(kernel).isAtEnd(head, node, isFront)) ? 1 : 0;
    },
  });
}

/** kernel/bpf/helpers.c */
export const LIST_KFUNCS: readonly Kfunc[] = [
  push('bpf_list_push_front', true),
  push('bpf_list_push_front_impl', true),
  push('bpf_list_push_back', false),
  push('bpf_list_push_back_impl', false),
  typedKfunc('bpf_list_add', {
    args: [args.btfId, args.btfId, args.btfId],
    run: ({ kernel }, type, head, node, prev) =>
      listsOf(kernel).__bpf_list_add(node, head, prev, type),
  }),
  pop('bpf_list_pop_front', true),
  pop('bpf_list_pop_back', false),
  typedKfunc('bpf_list_del', {
    args: HEAD_NODE,
    isPointer: true,
    acquires: true,
    run: ({ kernel }, _, head, node) => listsOf(kernel).__bpf_list_del(head, node),
  }),
  end('bpf_list_front', true),
  end('bpf_list_back', false),
  isEnd('bpf_list_is_first', true),
  isEnd('bpf_list_is_last', false),
  kfunc({
    name: 'bpf_list_empty',
    args: [args.btfId],
    run: ({ kernel }, head) => (listsOf(kernel).isEmpty(head) ? 1 : 0),
  }),
];
