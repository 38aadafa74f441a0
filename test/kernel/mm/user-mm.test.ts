import { describe, expect, test } from 'vitest';
import { EEXIST, EFAULT, EINVAL, ENOMEM } from '../../../kernel/errno.ts';
import { blockedText } from '../../../kernel/mm/fault.ts';
import { mm_struct, PROT_READ, TASK_SIZE } from '../../../kernel/mm/structs.ts';
import { UserMm } from '../../../kernel/mm/user-mm.ts';
import { PAGE_SIZE } from '../../../kernel/memory.ts';
import { kernelFunction, type Sim } from '../../../sim/request.ts';
import { TASK_KILLABLE } from '../../../kernel/task.ts';
import { BareKernel } from '../../kit/bare-kernel.ts';

class World extends BareKernel {
  readonly mm = new UserMm(this.machine, this.sched, this.kasan);
  readonly home = this.mm.create();
  readonly arena = this.mm.mmArena(this.home);

  /** Runs one task in `mm` to the end, and gives what it returned. */
  do<T>(entry: () => Sim<T>, mm = this.home): T {
    let result: T | undefined;
    this.spawn('A', function* () {
      result = yield* entry();
    }, mm);
    expect(this.run()).toEqual([]);
    return result!;
  }

  users(mm: number): number {
    return mm_struct.at(this.machine.memory, mm).mm_users;
  }
}

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const text = (value: string): Uint8Array => new TextEncoder().encode(`${value}\0`);

describe('user copies', () => {
  test('what was copied in is copied out, across pages', () => {
    const { mm, arena, ...world } = new World();
    void world;
    const w = new World();
    const data = Uint8Array.from({ length: 6_000 }, (_, i) => i & 0xff);
    const read = w.do(function* () {
      expect(yield* w.mm.copy_to_user(w.arena.addr + 100, data)).toBe(0);
      return yield* w.mm.copy_from_user(w.arena.addr + 100, data.length);
    });
    expect(read).toEqual(data);
    expect(mm.mmArena(0)).toBeDefined();
    expect(arena.addr % PAGE_SIZE).toBe(0);
  });
});
