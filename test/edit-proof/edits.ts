/** Changes to the sources such as people make between two looks at a failure. */
export interface Edit {
  readonly name: string;
  readonly file: string;
  /** The new text of the file. Throws where it does not find what it is to change. */
  apply(text: string): string;
}

/** `from` is there exactly once, and becomes `to`. */
function replacing(text: string, from: string, to: string): string {
  if (text.split(from).length !== 2) throw new Error(`edit: not there once: ${from}`);
  return text.replace(from, () => to);
}

const UNRELATED = `
function* unrelated(p: Proc): Sim<void> {
  const [reader, writer] = p.ok(yield* p.pipe());
  for (let i = 0; i < 3; i++) {
    p.ok(yield* p.write(writer, 'hello'));
    p.ok(yield* p.read(reader, 5));
  }
  p.ok(yield* p.close(reader));
  p.ok(yield* p.close(writer));
}
`;

export const EDITS: readonly Edit[] = [
  {
    name: 'a log call added',
    file: 'kernel/fs/close.ts',
    apply(text) {
      const logged = replacing(
        text,
        '    yield* step(C3);\n',
        "    yield* step(site('close_fd', 'log'));\n" +
          "    this.#machine.printk(6, 'close_fd');\n    yield* step(C3);\n",
      );
      return replacing(
        logged,
        '  *sys_close(fd: number): Sim<number> {\n',
        "  *sys_close(fd: number): Sim<number> {\n    yield* step(site('sys_close', 'log'));\n",
      );
    },
  },
  {
    name: 'system call handlers split in two',
    file: 'kernel/fs/close.ts',
    apply: (text) =>
      replacing(
        text,
        '  *sys_close(fd: number): Sim<number> {\n',
        '  *sys_close(fd: number): Sim<number> {\n' +
          "    yield* step(site('sys_close', 'enter'));\n" +
          '    return yield* this.do_close(fd);\n  }\n\n' +
          '  *do_close(fd: number): Sim<number> {\n',
      ),
  },
  {
    name: 'an unrelated process added',
    file: 'scenarios/dsl.ts',
    apply: (text) =>
      replacing(
        text,
        'export function scenario(definition: ScenarioDefinition): Scenario {\n',
        `${UNRELATED.trimStart()}
export function scenario(given: ScenarioDefinition): Scenario {
  return made({
    ...given,
    *setup(init) {
      yield* init.start('Unrelated'); // before there is a descriptor that it could inherit
      if (given.setup) yield* given.setup(init);
    },
    processes: { ...given.processes, Unrelated: unrelated },
  });
}

function made(definition: ScenarioDefinition): Scenario {
`,
      ),
  },
  {
    name: 'two independent operations swapped',
    file: 'kernel/fs/file.ts',
    apply(text) {
      const swapped = replacing(
        text,
        '    yield* step(T3);\n    yield* step(T4);\n',
        '    yield* step(T4);\n    yield* step(T3);\n',
      );
      return replacing(
        swapped,
        '    modules.module_put(ops.module);\n    view.f_owner_pid = 0;\n    yield* step(T8);\n',
        '    yield* step(T8);\n    view.f_owner_pid = 0;\n    modules.module_put(ops.module);\n',
      );
    },
  },
  {
    name: 'a field added to task_struct',
    file: 'kernel/structs.ts',
    apply: (text) =>
      replacing(
        text,
        "export const task_struct = struct('task_struct', {\n",
        "export const task_struct = struct('task_struct', {\n  another: u64,\n",
      ),
  },
];
