/** What `bohrbug/bpf` exports: for tests of programs. */
import { readFile } from 'node:fs/promises';
import { InputError } from '../../base/errors.ts';
import { BpfSandbox, type TestObject } from '../../scenarios/bpf-object.ts';

export * from '../../bpf/index.ts';
export { TestMap, TestObject, TestProgram } from '../../scenarios/bpf-object.ts';
export { KernelReport, type SandboxOptions } from '../../scenarios/sandbox.ts';

/**
 * A fresh simulated kernel to try programs in, in simulated time:
 *
 *     const bpf = new BpfSimulation();
 *     const object = (await bpf.open('exec-events.bpf.o')).load().attach();
 *     bpf.run(function* (p) { … });
 *     object.map('events').read();
 */
export class BpfSimulation extends BpfSandbox {
  /** An object by its path: opened, and nothing of it in the kernel yet. Throws InputError. */
  async open(path: string): Promise<TestObject> {
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      throw new InputError(`${path}: is not read: ${error.code ?? error.message}`);
    });
    return this.openBytes(new Uint8Array(bytes), path);
  }
}
