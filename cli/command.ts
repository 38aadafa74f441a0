import type { Catalog, Registry } from './catalog.ts';

/** What a process may end with. The command line's contract. */
export const EXIT = {
  /** The outcome is the expected one. */
  expected: 0,
  /** It is not. */
  unexpected: 1,
  /** Bad input: one line on stderr says what. */
  input: 2,
  /** A bug of Bohrbug's own: stack on stderr. */
  bug: 70,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** All that a command knows of the process it runs in. A test gives one that collects lines. */
export interface Io {
  /** One line, or several joined by \n, to stdout. */
  out(text: string): void;
  /** The same to stderr. */
  err(text: string): void;
  /** Replaces the status line of the terminal, where stderr is one; '' takes it away. */
  status(text: string): void;
  /** Whether stderr is a terminal: where it is not, no status line is ever made. */
  readonly isTerminal: boolean;
  /** Whether stdout takes colours. */
  readonly hasColor: boolean;
  /** Columns of stdout. */
  readonly width: number;
  readonly cwd: string;
  /** The host's clock, for budgets and wallMs only. */
  nowMs(): number;
  /** Whether the user asked to end early (Ctrl-C). */
  isInterrupted(): boolean;
  /** All of stdin, to its end. */
  readStdin(): Promise<Uint8Array>;
  /** The registered scenarios. */
  loadRegistry(): Promise<Registry>;
  /** The same, and what runs them. */
  loadCatalog(): Promise<Catalog>;
  /** From here on stacks name the lines of the user's TypeScript. */
  mapStacks(): void;
}

export interface Command {
  readonly name: string;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** `args` without the command's own name. Bad input is thrown as an InputError. */
  run(args: readonly string[], io: Io): Promise<ExitCode>;
}
