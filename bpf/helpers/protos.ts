import type { FuncProto } from './proto.ts';
import * as base from './protos-base.ts';
import * as cgroup from './protos-cgroup.ts';
import * as packet from './protos-packet.ts';
import * as sock from './protos-sock.ts';
import * as tracing from './protos-tracing.ts';

const TABLES: readonly Readonly<Record<string, FuncProto>>[] = [
  base,
  tracing,
  packet,
  sock,
  cgroup,
];

/**
 * Helpers by number, whoever may call them. Of those that are not the same for all types of
 * program, the one that most have: it stands under the helper's own name.
 */
export const FUNC_PROTOS: ReadonlyMap<number, FuncProto> = new Map(
  TABLES.flatMap((table) =>
    Object.entries(table)
      .sort(([a, one], [b]) => Number(b === one.name) - Number(a === one.name))
      .map(([, proto]) => [proto.id, proto] as const),
  ).reverse(),
);
