import { assert } from '../base/assert.ts';
import { array, chars, ptr, s32, struct, u32 } from '../base/layout.ts';
import type { Frame } from '../sim/fiber.ts';
import { access, kernelText, RMW, step, WRITE, type Sim } from '../sim/request.ts';
import { site, siteOf, type KernelSymbol } from '../sim/site.ts';
import { EBUSY, ENOENT, EWOULDBLOCK } from './errno.ts';
import type { Kasan } from './kasan.ts';
import type { Machine } from './machine.ts';

const FIND = site('delete_module', 'find');
const STOP = site('delete_module', 'stop');
const EXIT = site('delete_module', 'exit');
const UNLINK = site('free_module', 'unlink');
const UNMAP = site('free_module', 'unmap');

/** include/linux/module.h */
export const MODULE_STATE_LIVE = 0;
export const MODULE_STATE_GOING = 2;
export const MODULE_STATE_UNFORMED = 3;
/** What refcnt is without users: dropped by delete_module(). kernel/module/main.c */
export const MODULE_REF_BASE = 1;

const DEPENDENCIES_MAX = 4;
/** How many modules a machine can know of, loaded or not. */
const MODULES_MAX = 16;

/** include/linux/module.h: struct module, as far as it is modelled. */
export const module_struct = struct('module', {
  state: u32, // MODULE_STATE_*
  name: chars(56), // MODULE_NAME_LEN
  refcnt: s32, // atomic_t: users + MODULE_REF_BASE
  source_count: s32, // modules that use symbols of this one: source_list
  target_count: u32, // modules whose symbols this one uses: target_list
  targets: array(ptr('struct module'), DEPENDENCIES_MAX),
  data: ptr('struct module_data'), // its static objects: MOD_DATA, MOD_RODATA
});

/** One static object of a module. Ours: Linux maps them together. */
const module_data = struct('module_data', {
  next: ptr('struct module_data'),
  object: ptr('void'),
});

/** What the kernel remembers of a module by its name; stays when the module goes. */
const module_slot = struct('module_slot', {
  mod: ptr('struct module'), // of an unloaded one: where it was
  mapped: u32,
});

const TEXT_BASE = 0xffff_ffff_c000_0000n;
const FUNCTION_BYTES = 0x100n;

export interface LoadOptions {
  /** Loaded modules whose symbols this one uses: they cannot go before it. */
  readonly dependsOn?: readonly string[];
  /** module_exit(): runs before the text goes. */
  readonly exit?: () => Sim<void>;
}

/**
 * Loadable modules: a count that keeps their text mapped, and what happens once it is not. A
 * module's text is the symbols with its name. kernel/module/main.c, spec 00 R45.
 */
export class Modules {
  readonly #machine: Machine;
  readonly #kasan: Kasan;
  readonly #slots: number;
  /** By name: which slot. Only grows; what is in the slot is in memory. */
  readonly #slotOf = new Map<string, number>();
  readonly #exits = new Map<string, () => Sim<void>>();
  /** free_module() waits for RCU readers before the memory goes. Set by whoever has RCU. */
  synchronize_rcu: (() => Sim<void>) | null = null;

  constructor(machine: Machine, kasan: Kasan) {
    this.#machine = machine;
    this.#kasan = kasan;
    this.#slots = machine.slab.kzalloc(MODULES_MAX * module_slot.sizeBytes);
  }

  /** Makes a module live at once, as at boot. Returns the address of its struct module. */
  load(name: string, options: LoadOptions = {}): number {
    assert(name !== '' && !this.isMapped(name), `module ${name} is loaded already`);
    const { slab, memory } = this.#machine;
    const addr = slab.kzalloc(module_struct.sizeBytes);
    const mod = module_struct.at(memory, addr);
    mod.name = name;
    mod.state = MODULE_STATE_LIVE;
    mod.refcnt = MODULE_REF_BASE;
    for (const dependency of options.dependsOn ?? []) {
      assert(this.try_module_get(dependency), `module ${name} needs ${dependency}`);
      const target = module_struct.at(memory, this.addressOf(dependency));
      target.source_count++;
      assert(mod.target_count < DEPENDENCIES_MAX, `module ${name} has too many dependencies`);
      memory.setPtr(mod.targets + 8 * mod.target_count++, target.addr);
    }
    if (options.exit) this.#exits.set(name, options.exit);
    else this.#exits.delete(name);
    const slot = this.#slot(name);
    slot.mod = addr;
    slot.mapped = 1;
    return addr;
  }

  /** Memory for a static object of a loaded module: freed when it is unloaded. Zeroed. */
  allocData(name: string, sizeBytes: number): number {
    assert(this.isMapped(name), `module ${name} is not loaded`);
    const { slab, memory } = this.#machine;
    const object = slab.kzalloc(sizeBytes);
    const node = slab.kzalloc(module_data.sizeBytes);
    const mod = module_struct.at(memory, this.addressOf(name));
    module_data.at(memory, node).next = mod.data;
    module_data.at(memory, node).object = object;
    mod.data = node;
    return object;
  }

  /** Whether the text of the module is there; that of the kernel itself ('') always is. */
  isMapped(name: string): boolean {
    if (name === '') return true;
    const index = this.#slotOf.get(name);
    return (
      index !== undefined &&
      this.#machine.memory.rawU32(this.#slotAddress(index) + module_slot.off.mapped) !== 0
    );
  }

  /** THIS_MODULE: 0 for the kernel itself. Of an unloaded module: where it was. */
  addressOf(name: string): number {
    if (name === '') return 0;
    return this.#machine.memory.unwatched(() => this.#slot(name).mod);
  }

  /** Users of the module, without MODULE_REF_BASE. module_refcount() */
  refcount(name: string): number {
    const { memory } = this.#machine;
    return memory.unwatched(
      () => module_struct.at(memory, this.addressOf(name)).refcnt - MODULE_REF_BASE,
    );
  }

  /** A reference on a live module; false where it is going or gone. */
  try_module_get(owner: string): boolean {
    if (owner === '') return true;
    const addr = this.addressOf(owner);
    if (addr === 0) return false;
    const { memory } = this.#machine;
    return memory.unwatched(() => {
      const mod = module_struct.at(memory, addr);
      if (mod.state === MODULE_STATE_GOING || mod.refcnt <= 0) return false;
      mod.refcnt++;
      return true;
    });
  }

  module_put(owner: string): void {
    if (owner === '') return;
    const { memory } = this.#machine;
    memory.unwatched(() => {
      const mod = module_struct.at(memory, this.addressOf(owner));
      if (mod.refcnt > 0) mod.refcnt--;
      else this.#underflow(owner);
    });
  }

  /**
   * Unloads a module: 0, -ENOENT, -EWOULDBLOCK, -EBUSY. The caller has checked CAP_SYS_MODULE.
   * What a task may still hold of it, the kernel does not ask: only the count counts.
   */
  *delete_module(name: string): Sim<number> {
    yield* step(FIND);
    if (!this.isMapped(name)) return -ENOENT;
    const { memory } = this.#machine;
    const mod = module_struct.at(memory, this.addressOf(name));
    yield* access(STOP, mod.addr + module_struct.off.refcnt, 4, RMW);
    if (!this.isMapped(name)) return -ENOENT;
    const refused = memory.unwatched(() => this.#tryStop(mod));
    if (refused !== 0) return refused;
    this.#machine.remark(() => `${name} is going`);
    const exit = this.#exits.get(name);
    if (exit) {
      yield* step(EXIT);
      yield* exit();
    }
    yield* this.free_module(name);
    return 0;
  }

  /** The end of a module: its memory goes, and with it its code. */
  *free_module(name: string): Sim<void> {
    const { memory } = this.#machine;
    const mod = module_struct.at(memory, this.addressOf(name));
    yield* step(UNLINK);
    mod.state = MODULE_STATE_UNFORMED;
    memory.unwatched(() => this.#releaseTargets(mod));
    if (this.synchronize_rcu) yield* this.synchronize_rcu();
    yield* access(UNMAP, mod.addr, module_struct.sizeBytes, WRITE);
    this.#slot(name).mapped = 0;
    this.#machine.remark(() => `text of ${name} unmapped`);
    for (let node = mod.data; node !== 0;) {
      const { next, object } = module_data.at(memory, node);
      this.#kasan.free(object);
      this.#kasan.free(node);
      node = next;
    }
    this.#kasan.free(mod.addr);
  }

  /**
   * Asked before a call through a pointer into the module: the run ends where its text is gone.
   * `fn` names the function for the report.
   */
  callable(module: string, fn = 'f_op'): void {
    if (this.isMapped(module)) return;
    this.#fault(TEXT_BASE, `${fn}+0x0/0x100 [${module}]`);
  }

  /** For Sched.hooks: the code of `frame`, in a module's text, is about to run. */
  returnedInto(frame: Frame): void {
    if (this.isMapped(frame.symbol.module)) return;
    const { symbol, site: at } = frame;
    const offset = at === 0 ? 0 : siteOf(at).offsetBytes;
    this.#fault(
      textAddress(symbol, offset),
      `${symbol.name}+0x${offset.toString(16)}/0x100 [${symbol.module}]`,
    );
  }

  /** Modules that are mapped, in the order in which they became known: for reports. */
  mappedNames(): string[] {
    return [...this.#slotOf.keys()].filter((name) => this.isMapped(name));
  }

  /** 0: nobody uses it, and from now on nobody can. try_stop_module() */
  #tryStop(mod: ReturnType<typeof module_struct.at>): number {
    if (mod.source_count > 0) return -EWOULDBLOCK;
    if (mod.state !== MODULE_STATE_LIVE) return -EBUSY;
    if (mod.refcnt > MODULE_REF_BASE) return -EWOULDBLOCK;
    mod.refcnt = 0;
    mod.state = MODULE_STATE_GOING;
    return 0;
  }

  /** module_unload_free() */
  #releaseTargets(mod: ReturnType<typeof module_struct.at>): void {
    const { memory } = this.#machine;
    for (let i = 0; i < mod.target_count; i++) {
      const target = module_struct.at(memory, memory.ptr(mod.targets + 8 * i));
      target.source_count--;
      target.refcnt--;
    }
    mod.target_count = 0;
  }

  /** WARN_ON(ret < 0) of module_put() */
  #underflow(owner: string): void {
    this.#machine.fail({
      kind: 'refcount-underflow',
      title: 'WARNING: kernel/module/main.c: module_put',
      lines: [`module ${owner} has no users`, ...this.#machine.traceLines()],
      objects: [{ type: 'module', addr: this.addressOf(owner) }],
      fatal: false,
    });
  }

  /** arch/x86/mm/fault.c: show_fault_oops(), of an instruction fetch */
  #fault(address: bigint, where: string): void {
    const machine = this.#machine;
    const gone = [...this.#slotOf.keys()].filter((name) => !this.isMapped(name));
    machine.fail({
      kind: 'exec-of-unmapped-text',
      title: `BUG: unable to handle page fault for address: ${address.toString(16)}`,
      lines: [
        '#PF: supervisor instruction fetch in kernel mode',
        '#PF: error_code(0x0010) - not-present page',
        'Oops: 0010 [#1] PREEMPT SMP KASAN',
        `RIP: 0010:${where}`,
        `Code: Unable to access opcode bytes at 0x${(address - 0x2an).toString(16)}.`,
        ...machine.traceLines(),
        `Modules linked in: ${[...this.mappedNames(), `[last unloaded: ${gone.join(' ')}]`].join(
          ' ',
        )}`,
      ],
    });
  }

  #slot(name: string): ReturnType<typeof module_slot.at> {
    let index = this.#slotOf.get(name);
    if (index === undefined) {
      index = this.#slotOf.size;
      assert(index < MODULES_MAX, 'too many modules');
      this.#slotOf.set(name, index);
    }
    return module_slot.at(this.#machine.memory, this.#slotAddress(index));
  }

  #slotAddress(index: number): number {
    return this.#slots + index * module_slot.sizeBytes;
  }
}

kernelText(Modules);

/** Where a module's function stands: its name alone says, whatever else is loaded. */
function textAddress(symbol: KernelSymbol, offsetBytes: number): bigint {
  return TEXT_BASE + BigInt(symbol.slot) * FUNCTION_BYTES + BigInt(offsetBytes);
}
