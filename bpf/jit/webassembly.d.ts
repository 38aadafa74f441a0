/** The part of WebAssembly that the JIT uses, where no host library is in scope. */
declare namespace WebAssembly {
  type ImportValue = Memory | ((...args: number[]) => number | void);
  class Module {
    constructor(bytes: Uint8Array<ArrayBuffer>);
  }
  class Instance {
    constructor(module: Module, imports: Record<string, Record<string, ImportValue>>);
    readonly exports: Record<string, unknown>;
  }
}
