import { assert } from '../base/assert.ts';
import { InputError } from '../base/errors.ts';
import { privateOf } from '../kernel/fs/driver.ts';
import type { FileOps } from '../kernel/hooks.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { FileHolder } from '../kernel/quiesce.ts';
import type { Sim } from '../sim/request.ts';
import { Hooks } from './attach/hooks.ts';
import { Links } from './attach/link.ts';
import { encodeBtf } from './btf/encode.ts';
import { BtfObjects, type BtfObject } from './btf/objects.ts';
import { idOf } from './btf/resolve.ts';
import type { Btf } from './btf/types.ts';
import { HELPERS } from './helpers/table.ts';
import type { Helper } from './helpers/prototype.ts';
import { jit } from './jit/jit.ts';
import { foreignBtf } from './foreign.ts';
import { kernelBtf } from './kernel-btf.ts';
import { KFUNCS } from './kfuncs/table.ts';
import type { MapPorts } from './maps/base.ts';
import { MapMmap } from './maps/map-mmap.ts';
import { Maps } from './maps/maps.ts';
import { PinChecker } from './maps/pin-check.ts';
import { Ringbuf } from './maps/ringbuf.ts';
import type { ExecProgram } from './prog/exec-program.ts';
import { Programs } from './prog/programs.ts';
import { BPF_STREAM_STDERR, streamsOf } from './prog/streams.ts';
import { Protection } from './protect/protection.ts';
import { NO_POLICY, type Selection } from './protect/settings.ts';
import { BpfFs } from './syscall/bpffs.ts';
import { sysBpf } from './syscall/commands.ts';
import type { BpfContext, BpfFileOps } from './syscall/context.ts';
import { BpfFds } from './syscall/fds.ts';
import { unlinkRow } from './syscall/pin.ts';
import { packetAt } from './syscall/test-run.ts';
import type { MappedBuffers } from './user/port.ts';
import { interp } from './vm/interp.ts';
import { ProgRunner } from './vm/runner.ts';
import type { EngineChoice } from './vm/select.ts';

export interface BpfOptions {
  /** Which engine runs programs; default: the JIT, once a program is warm. */
  readonly engine?: EngineChoice;
  /** sysctl kernel.unprivileged_bpf_disabled; default: 2. */
  readonly unprivilegedBpfDisabled?: 0 | 1 | 2;
  /** Nothing is run: maps need not fit into memory. */
  readonly isForVerification?: boolean;
  /** What stops programs that overrun; default: nothing. */
  readonly policy?: Selection;
}

const helperById = new Map(HELPERS.map((helper) => [helper.id, helper]));

/** Kernels share their types. */
const encodings = new WeakMap<Btf, Uint8Array>();

function encoded(btf: Btf): Uint8Array {
  const known = encodings.get(btf);
  if (known) return known;
  const bytes = encodeBtf(btf);
  encodings.set(btf, bytes);
  return bytes;
}

/**
 * BPF in one kernel: makes its parts, hands each what it needs, and joins them to the kernel.
 * Before the kernel boots.
 */
export class Bpf implements BpfContext {
  readonly kernel: Kernel;
  readonly fds: BpfFds;
  readonly ops: BpfFileOps;
  readonly maps: Maps;
  readonly programs: Programs;
  readonly links: Links;
  readonly btfs: BtfObjects;
  readonly runner: ProgRunner;
  readonly hooks: Hooks;
  readonly pins: BpfFs;
  readonly protection: Protection;
  readonly unprivilegedBpfDisabled: 0 | 1 | 2;
  onVerified: BpfContext['onVerified'];
  readonly #pinChecker: PinChecker;
  #btf: Btf | undefined;
  #vmlinux: BtfObject | undefined;
  #kept: BtfObject | undefined;
  #kfuncs: ReadonlyMap<number, Helper> | undefined;

  constructor(kernel: Kernel, options: BpfOptions = {}) {
    this.kernel = kernel;
    this.unprivilegedBpfDisabled = options.unprivilegedBpfDisabled ?? 2;
    this.fds = new BpfFds(kernel);
    this.btfs = new BtfObjects(kernel);
    this.maps = new Maps({
      kernel,
      ports: this.#mapPorts(),
      btfFromFd: (fd) => this.fds.with(fd, this.ops.btf, (addr) => this.btfs.btf_get(addr)),
      btf_put: (addr) => this.btfs.btf_put(addr),
      kernelBtf: () => this.btf,
      isForVerification: options.isForVerification ?? false,
    });
    this.#pinChecker = new PinChecker(kernel, this.maps.registry);
    this.programs = new Programs({
      kernel,
      putMap: (map) => this.maps.bpf_map_put(map),
      putBtf: (addr) => this.btfs.btf_put(addr),
    });
    this.links = new Links(kernel, this.programs);
    this.runner = new ProgRunner({
      kernel,
      maps: this.maps.registry,
      programs: this.programs.registry,
      engines: { interp, jit, choice: options.engine ?? 'auto' },
    });
    this.runner.loadPacket = (skb, offset, size) => packetAt(kernel, skb, offset, size);
    const { programs } = this;
    this.hooks = new Hooks({
      runner: this.runner,
      programs: {
        bpf_prog_get: (fd) => this.#progFromFd(fd),
        bpf_prog_inc: (addr) => programs.bpf_prog_inc(addr),
        bpf_prog_put: (addr) => programs.bpf_prog_put(addr),
        at: (addr) => programs.registry.get(addr),
      },
    });
    this.pins = new BpfFs(kernel);
    this.ops = this.#fileOps();
    this.runner.reportError = function* (prog, line, via) {
      streamsOf(kernel).report(prog, BPF_STREAM_STDERR, line, via);
    };
    this.protection = this.#protection(options.policy ?? NO_POLICY);
    if (this.protection.isOn) {
      this.runner.policyOf = (prog) => this.protection.of(prog);
      this.protection.hear(kernel.sched);
    }
    this.#join();
  }

  #protection(selection: Selection): Protection {
    const { kernel, links, runner } = this;
    const streams = streamsOf(kernel);
    const rows = new Map([...HELPERS, ...KFUNCS].map((row) => [row.name, row]));
    return new Protection({
      kernel,
      scratch: this.hooks.rules.scratch,
      selection,
      callee: (name) => rows.get(name),
      releaseCall: (prog) => runner.bareCall(prog),
      patcher: runner,
      detach: ({ addr }) =>
        kernel.workqueues.schedule_work('bpf_prog_detach', () => links.detachAll(addr)),
      report: (prog, line) => void streams.report(prog, BPF_STREAM_STDERR, line, []),
    });
  }

  get traceLinks(): Hooks['links'] {
    return this.hooks.links;
  }

  /** The kernel's types: what /sys/kernel/btf/vmlinux shows. */
  get btf(): Btf {
    this.#btf ??= foreignBtf() ?? kernelBtf(this.kernel.syscalls.rows, this.kernel.machine.facts);
    return this.#btf;
  }

  vmlinux(): BtfObject {
    if (!this.#vmlinux) {
      const made = this.btfs.create(this.btf, encoded(this.btf), true);
      assert(made, 'no memory for the types of the kernel');
      this.#vmlinux = made;
    }
    return this.#vmlinux;
  }

  helper(id: number): Helper | undefined {
    return helperById.get(id);
  }

  kfunc(btfId: number): Helper | undefined {
    this.#kfuncs ??= new Map(KFUNCS.map((kfunc) => [idOf(this.btf, kfunc.name, 'func'), kfunc]));
    return btfId === 0 ? undefined : this.#kfuncs.get(btfId);
  }

  /** What user space reads through its mappings. */
  readonly mapped: MappedBuffers = {
    consumeRingbuf: (fd) => this.#consumeRingbuf(fd),
    perf_mmap: (fd, pages) => this.hooks.perfEvents.perf_mmap(fd, pages),
    consumePerf: (fd) => this.hooks.perfEvents.consume(fd),
  };

  *#consumeRingbuf(fd: number): Sim<Uint8Array[]> {
    const map = yield* this.fds.with(fd, this.ops.map, (addr) =>
      this.maps.bpf_map_inc(this.maps.of(addr)),
    );
    if (typeof map === 'number') throw new InputError(`descriptor ${fd} is no ring buffer`);
    const records = map instanceof Ringbuf ? yield* map.consume() : undefined;
    yield* this.maps.bpf_map_put(map);
    if (!records) throw new InputError(`map '${map.name}' is no ring buffer`);
    return records;
  }

  checkpoint(): void {
    for (const part of this.#parts()) part.checkpoint();
    this.#kept = this.#vmlinux;
  }

  reset(): void {
    for (const part of this.#parts()) part.reset();
    this.#vmlinux = this.#kept;
    this.protection.reset();
  }

  settle(): void {
    this.#pinChecker.settle();
  }

  fileHolders(): readonly FileHolder[] {
    return [...this.links.heldFiles(), ...this.maps.heldFiles()];
  }

  #parts(): readonly { checkpoint(): void; reset(): void }[] {
    const { maps, programs, links, btfs, hooks, pins } = this;
    const objects = [maps, programs, links, btfs];
    return [...objects.flatMap(({ registry, ids }) => [registry, ids]), hooks, pins.registry];
  }

  #join(): void {
    const { kernel } = this;
    this.fds.register(Object.values(this.ops) as FileOps[]);
    kernel.syscalls.register([
      {
        nr: 321,
        name: 'bpf',
        args: ['cmd', 'uattr', 'size'],
        run: (cmd, addr, size) => sysBpf(this, cmd! | 0, addr!, size! >>> 0),
      },
      unlinkRow(() => this),
    ]);
    this.hooks.install();
    const pins = this.#pinChecker;
    kernel.hooks.sched_process_exit = function* (task) {
      pins.exiting(task);
    };
    kernel.extensions.push(this);
  }

  #fileOps(): BpfFileOps {
    const { kernel, maps, programs, links, btfs } = this;
    const mmaps = new MapMmap(kernel, maps);
    const release = (put: (addr: number) => Sim<void>) =>
      function* (file: number): Sim<number> {
        yield* put(privateOf(kernel.machine, file));
        return 0;
      };
    const ops = (name: string, put: (addr: number) => Sim<void>): FileOps => ({
      name,
      module: '',
      release: release(put),
    });
    return {
      map: {
        name: 'bpf_map_fops',
        module: '',
        *release(file) {
          yield* maps.bpf_map_release(maps.of(privateOf(kernel.machine, file)), file);
          return 0;
        },
        mmap: (file, vma) => mmaps.bpf_map_mmap(file, vma),
        get_unmapped_area: (file, wanted) => mmaps.bpf_get_unmapped_area(file, wanted),
      },
      prog: ops('bpf_prog_fops', (addr) => programs.bpf_prog_put(addr)),
      link: ops('bpf_link_fops', (addr) => links.bpf_link_put(addr)),
      btf: ops('btf_fops', (addr) => btfs.btf_put(addr)),
    };
  }

  *#progFromFd(fd: number): Sim<ExecProgram | number> {
    return yield* this.fds.with(fd, this.ops.prog, (addr) => this.programs.bpf_prog_get(addr));
  }

  #mapPorts(): MapPorts {
    return {
      mapFromFd: (fd) =>
        this.fds.with(fd, this.ops.map, (addr) => this.maps.bpf_map_inc(this.maps.of(addr))),
      bpf_map_put: (map) => this.maps.bpf_map_put(map),
      mapAt: (addr) => this.maps.of(addr),
      mapIdOf: (map) => this.maps.idOf(map),
      progFromFd: (fd) => this.#progFromFd(fd),
      bpf_prog_put: (addr) => this.programs.bpf_prog_put(addr),
      progAt: (addr) => this.programs.of(addr),
      progIdOf: (prog) => this.programs.idOf(prog),
      perf_event_get: (fd) => this.hooks.perfEvents.perf_event_get(fd),
      fput: (file) => this.kernel.fs.files.fput(file),
      perf_event_output: (file, from, size) =>
        this.hooks.perfEvents.perf_event_output(file, from, size),
      taskFromPidfd: (fd) => this.kernel.fs.pidfds.pidfd_get_task(fd),
    };
  }
}
