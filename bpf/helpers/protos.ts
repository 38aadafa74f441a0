import type { FuncProto } from './proto.ts';
import * as base from './protos-base.ts';
import * as cgroup from './protos-cgroup.ts';
import * as packet from './protos-packet.ts';
import * as sock from './protos-sock.ts';
import * as tracing from './protos-tracing.ts';

/**
 * A prototype of each helper of Linux 7.2 by its number, for its name and what holds of it in
 * whatever program: what a type of program may call, and how, is said by its row.
 */
export const FUNC_PROTOS: ReadonlyMap<number, FuncProto> = new Map(
  [base, cgroup, packet, sock, tracing]
    .flatMap((table) => Object.values(table) as readonly FuncProto[])
    .map((row) => [row.id, row]),
);
