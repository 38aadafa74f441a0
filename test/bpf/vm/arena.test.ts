import { expect, test } from 'vitest';
import type { Insn } from '../../../bpf/isa/insn.ts';
import { accessRequest, mustStopAt } from '../../../bpf/vm/access.ts';
import { ARENA_TABLE_SHIFT, arenaEntry } from '../../../bpf/vm/arena.ts';
import { FramePool } from '../../../bpf/vm/frame-pool.ts';
import { Memory, PAGE_SIZE } from '../../../kernel/memory.ts';
import { ContextNote } from '../../../kernel/note.ts';
import { Slab } from '../../../kernel/slab.ts';

const LOW = 0x40_1000;
const store: Insn = { kind: 'stx', size: 8, dst: 1, off: 8, src: 2, arena: true };

/** A frame that stands at an access to the page at LOW of an arena; what a search hears of. */
function standing() {
  const memory = new Memory(1 << 20);
  const slab = new Slab(memory, () => new ContextNote('test', 1, 0, []));
  const tables = slab.kzalloc(PAGE_SIZE);
  const second = slab.kzalloc(PAGE_SIZE);
  const page = slab.kzalloc(PAGE_SIZE);
  memory.setRawU32(tables + (LOW >>> ARENA_TABLE_SHIFT) * 4, second);
  const entry = arenaEntry(memory, tables, LOW);
  const view = new FramePool(slab).take();
  view.begin(0);
  view.fuel = 1;
  view.arena = { tables, userHigh: 0x7f };
  view.setReg(1, BigInt(LOW));
  const heard: string[] = [];
  const request = (during: () => void) => {
    expect(mustStopAt(memory, view.addr, store)).toBe(true);
    const made = accessRequest(memory, view.addr, store, 0, () => heard.push('done'));
    during();
    memory.onTouch = (addr, size, write) => {
      const what = addr === entry ? 'entry' : addr - page;
      heard.push(`${write ? 'write' : 'read'} ${size} of ${what}`);
    };
    made.effect(made);
    memory.onTouch = null;
    return { addr: made.addr - page, size: made.size };
  };
  return { memory, entry, page, heard, request };
}

test('an access to an arena is one to the page, and reads the entry for it', () => {
  const { memory, entry, page, heard, request } = standing();
  memory.setRawU32(entry, page);
  expect(request(() => {})).toEqual({ addr: 8, size: 8 });
  expect(heard).toEqual(['read 4 of entry', 'done']);
});

test('where the page is not there, it reads the entry alone', () => {
  const { page, heard, request } = standing();
  expect(request(() => {})).toEqual({ addr: -page, size: 0 });
  expect(heard).toEqual(['read 4 of entry', 'done']);
});

test('where the page has come meanwhile, it is one to that page', () => {
  const { memory, entry, page, heard, request } = standing();
  request(() => memory.setRawU32(entry, page));
  expect(heard).toEqual(['read 4 of entry', 'write 8 of 8', 'done']);
});
