/**
 * Programs of system calls that Linux and the simulated kernel both execute, and their text form.
 * What each op means, and what is reported of it: README.md.
 */

/** The descriptor or pid that an op returned: of several, the `part`-th. -1 where there is none. */
export interface Ref {
  readonly op: number;
  readonly part: number;
}

/** `bad` is unmapped, `kernel` outside of the user's half; `msg`: the msghdr itself is at `bad`. */
export type Ptr = 'ok' | 'null' | 'bad' | 'kernel' | 'msg';
export type Path = 'devnull' | 'missing' | 'empty' | 'root' | 'under' | 'self' | Exclude<Ptr, 'ok'>;
export type Control = 'rights' | 'none' | 'unknown' | 'other' | 'short' | 'long';
/** A number, `=text`, the address of a good buffer, or a bad one. */
export type PrctlArg = bigint | `=${string}` | 'buf' | 'null' | 'bad' | 'kernel';

interface FieldTypes {
  number: number;
  u64: bigint;
  fd: number | Ref;
  pid: number | Ref;
  ptr: Ptr;
  path: Path;
  control: Control;
  prctl: PrctlArg;
  fds: readonly (number | Ref)[];
}
export type FieldType = keyof FieldTypes;

/** Every op but fork, with its operands in the order of the text. */
export const OPS = {
  wait4: { pid: 'pid', status: 'ptr', options: 'number', usage: 'ptr' },
  exit: { code: 'number' },
  getpid: {},
  getppid: {},
  clone: { flags: 'number' },
  exec: { path: 'path' },
  open: { path: 'path', flags: 'number' },
  dup: { fd: 'fd' },
  dup2: { from: 'fd', to: 'fd' },
  dup3: { from: 'fd', to: 'fd', flags: 'number' },
  close: { fd: 'fd' },
  close_range: { first: 'fd', last: 'fd', flags: 'number' },
  fcntl: { fd: 'fd', cmd: 'number', arg: 'number' },
  pipe2: { fds: 'ptr', flags: 'number' },
  socketpair: { fds: 'ptr', domain: 'number', type: 'number', protocol: 'number' },
  eventfd2: { count: 'number', flags: 'number' },
  read: { fd: 'fd', buffer: 'ptr', count: 'number' },
  write: { fd: 'fd', buffer: 'ptr', count: 'number', value: 'u64' },
  lseek: { fd: 'fd', offset: 'number', whence: 'number' },
  sendmsg: {
    fd: 'fd',
    buffer: 'ptr',
    count: 'number',
    value: 'u64',
    flags: 'number',
    control: 'control',
    copies: 'number',
    fds: 'fds',
  },
  recvmsg: { fd: 'fd', buffer: 'ptr', count: 'number', flags: 'number', room: 'number' },
  setrlimit: { soft: 'number', hard: 'number' },
  prctl: { option: 'number', arg2: 'prctl', arg3: 'u64', arg4: 'u64', arg5: 'u64' },
  survey: {},
} as const satisfies Record<string, Record<string, FieldType>>;

type CallKind = keyof typeof OPS;
type CallOf<K extends CallKind> = { readonly kind: K } & {
  readonly [F in keyof (typeof OPS)[K]]: (typeof OPS)[K][F] extends FieldType
    ? FieldTypes[(typeof OPS)[K][F]]
    : never;
};

export interface Fork {
  readonly kind: 'fork';
  /** Reap the child at once, or let it become a zombie for a later wait4. */
  readonly how: 'wait' | 'hold';
  /** CLONE_FILES. */
  readonly files: boolean;
  readonly child: Program;
}

/** What is not a fork. */
export type Call = { [K in CallKind]: CallOf<K> }[CallKind];
export type Op = Fork | Call;
export type OpKind = Op['kind'];
export type Program = readonly Op[];

export const OP_KINDS: readonly OpKind[] = ['fork', ...(Object.keys(OPS) as CallKind[])];

/** Every op with its number, children's included, in the order of the text. */
export function* numbered(program: Program, counter = { next: 0 }): Generator<[number, Op]> {
  for (const op of program) {
    yield [counter.next++, op];
    if (op.kind === 'fork') yield* numbered(op.child, counter);
  }
}

/** The operands of a call with their names and types, in the order of the text. */
export function operandsOf(call: Call): { name: string; type: FieldType; value: unknown }[] {
  const fields: Readonly<Record<string, FieldType>> = OPS[call.kind];
  const values = call as unknown as Readonly<Record<string, unknown>>;
  return Object.entries(fields).map(([name, type]) => ({ name, type, value: values[name] }));
}

/** A call with each operand replaced. The types of operands are the caller's care. */
export function mapOperands(call: Call, map: (value: unknown, type: FieldType) => unknown): Call {
  const entries = operandsOf(call).map(({ name, type, value }) => [name, map(value, type)]);
  return { kind: call.kind, ...Object.fromEntries(entries) } as Call;
}

// To text

function operandText(value: unknown): string {
  if (Array.isArray(value)) return value.map(operandText).join(' ');
  if (typeof value !== 'object' || value === null) return String(value);
  const { op, part } = value as Ref;
  return part === 0 ? `@${op}` : `@${op}.${part}`;
}

const HEX_FIELDS: ReadonlySet<string> = new Set(['flags', 'type', 'options']);

/** One op, without the lines of its child. */
export function opText(op: Op): string {
  if (op.kind === 'fork') return `fork ${op.how}${op.files ? ' files' : ''}`;
  const operands = operandsOf(op).map(({ name, value }) =>
    HEX_FIELDS.has(name) ? `0x${(value as number).toString(16)}` : operandText(value),
  );
  return [op.kind, ...operands].join(' ').trimEnd();
}

function linesOf(program: Program, indent: string): string[] {
  return program.flatMap((op) => {
    const line = indent + opText(op);
    return op.kind === 'fork'
      ? [line, ...linesOf(op.child, `${indent}  `), `${indent}end`]
      : [line];
  });
}

/** What the runner reads: a line an op, and the line `.`. */
export function serialise(program: Program): string {
  return [...linesOf(program, ''), '.', ''].join('\n');
}

// From text

function parseNumberOrRef(word: string): number | Ref {
  const ref = /^@(\d+)(?:\.(\d+))?$/.exec(word);
  if (ref) return { op: Number(ref[1]), part: Number(ref[2] ?? 0) };
  if (!/^-?\d|^0x/.test(word) || Number.isNaN(Number(word))) throw new Error(`operand ${word}`);
  return Number(word);
}

function parseOperand(type: FieldType, words: string[]): unknown {
  if (type === 'fds') return words.splice(0).map(parseNumberOrRef);
  const word = words.shift();
  if (word === undefined) {
    if (type === 'u64' || type === 'prctl') return 0n; // of prctl: may be left out
    throw new Error(`operand of type ${type} is missing`);
  }
  if (type === 'number' || type === 'fd' || type === 'pid') return parseNumberOrRef(word);
  if (type === 'u64' || (type === 'prctl' && /^-?\d/.test(word))) {
    return BigInt.asUintN(64, word.startsWith('-') ? -BigInt(word.slice(1)) : BigInt(word));
  }
  return word;
}

function parseCall(kind: string, words: string[]): Call {
  if (!Object.hasOwn(OPS, kind)) throw new Error(`op ${kind}`);
  const fields: Readonly<Record<string, FieldType>> = OPS[kind as CallKind];
  const entries = Object.entries(fields).map(([name, type]) => [name, parseOperand(type, words)]);
  if (words.length > 0) throw new Error(`too many operands of ${kind}: ${words.join(' ')}`);
  return { kind, ...Object.fromEntries(entries) } as Call;
}

/** The reverse of `serialise`; the line `.` may be left out. */
export function parse(text: string): Program {
  const program: Op[] = [];
  const open: Op[][] = [program];
  for (const line of text.split('\n')) {
    const [kind, ...words] = line.trim().split(/\s+/);
    if (!kind || kind === '.' || kind.startsWith('#')) continue;
    if (kind === 'end') {
      open.pop();
    } else if (kind === 'fork') {
      const child: Op[] = [];
      const how = words[0] === 'hold' ? 'hold' : 'wait';
      open.at(-1)!.push({ kind, how, files: words[1] === 'files', child });
      open.push(child);
    } else {
      open.at(-1)!.push(parseCall(kind, words));
    }
    if (open.length === 0) throw new Error('end without fork');
  }
  if (open.length > 1) throw new Error('fork without end');
  return program;
}
