import type pc from 'picocolors';
import type { Failure } from '../../sim/failure.ts';
import type { TraceLine } from '../../sim/trace.ts';
import { relevantLines, type Run } from './relevant.ts';
import { pad, shorten, wrap } from './text.ts';

type Colors = ReturnType<typeof pc.createColors>;

export interface InterleavingOptions {
  /** Every step, rather than those that matter. */
  readonly all: boolean;
  readonly width: number;
  readonly colors: Colors;
  readonly linesMax?: number;
}

export interface Interleaving {
  /** How many lines of the run are shown. */
  readonly shownCount: number;
  readonly text: string[];
}

/** Where more CPUs or tasks take part than have room side by side, they go below each other. */
const COLUMN_MIN = 28;
/** Of a child of a child of a child. */
const NAME_MAX = 20;
const GAP = '  ';
const LINES_MAX = 25;

/** A run as a person reads it: a column for each CPU, time going down. */
export function interleaving(run: Run, options: InterleavingOptions): Interleaving {
  const lines = options.all
    ? everyLine(run.lines)
    : relevantLines(run, options.linesMax ?? LINES_MAX);
  const columns = [...columnsOf(lines).values()];
  const room = options.width - GAP.length * columns.length;
  const inOne = room / columns.length < COLUMN_MIN;
  const needs = columns.map((column) => needOf(column, run.failures));
  const painter = { ...options, columns, widths: share(room, needs) };
  const text = inOne ? inOneColumn(lines, run.failures, painter) : sideBySide(lines, run, painter);
  const reported = new Set(lines.filter(({ kind }) => kind === 'report').map((line) => line.text));
  for (const failure of run.failures.filter(({ title }) => !reported.has(title))) {
    const ending = `at the end: ${shortTitle(failure.title)}  ← ${failure.kind}`;
    text.push(...wrap(GAP + ending, options.width).map((line) => options.colors.red(line)));
  }
  return { shownCount: lines.length, text };
}

function needOf({ head, lines }: Column, failures: readonly Failure[]): number {
  return Math.max(head.length, ...[...lines].map((line) => cellOf(line, failures).length));
}

/** Columns as wide as they need to be; where there is no room for that, none is robbed. */
function share(room: number, needs: readonly number[]): number[] {
  const widths = needs.map(() => 0);
  let left = room;
  const byNeed = needs.map((need, i) => ({ need, i })).toSorted((a, b) => a.need - b.need);
  for (const [done, { need, i }] of byNeed.entries()) {
    widths[i] = Math.min(need, Math.floor(left / (needs.length - done)));
    left -= widths[i]!;
  }
  return widths;
}

/** A step that a remark explains is the remark. */
function everyLine(lines: readonly TraceLine[]): TraceLine[] {
  return lines.filter(({ kind, site, path }, i) => {
    const next = lines[i + 1];
    return kind !== 'step' || next?.kind !== 'note' || next.site !== site || next.path !== path;
  });
}

interface Painter extends InterleavingOptions {
  readonly columns: readonly Column[];
  /** Of each column. */
  readonly widths: readonly number[];
}

interface Column {
  readonly index: number;
  readonly head: string;
  readonly lines: Set<TraceLine>;
}

/** One for each CPU where each has one task, else for each task; who acts first stands left. */
function columnsOf(lines: readonly TraceLine[]): Map<string, Column> {
  const tasks = lines.filter(isOfTask);
  const pairs = new Set(tasks.map(({ cpu, path }) => `${cpu} ${path}`));
  const paths = new Set(tasks.map(({ path }) => path));
  const cpus = new Set(tasks.map(({ cpu }) => cpu));
  const isByCpu = pairs.size === paths.size && pairs.size === cpus.size;
  const columns = new Map<string, Column>();
  for (const line of lines) {
    const task = isOfTask(line) ? line : isByCpu ? tasks.find(({ cpu }) => cpu === line.cpu) : null;
    const key = task && !isByCpu ? task.path : `CPU${line.cpu}`;
    let column = columns.get(key);
    if (column === undefined) {
      const head = `CPU${line.cpu}${task ? `  ${nameOf(task, tasks)}` : ''}`;
      column = { index: columns.size, head, lines: new Set() };
      columns.set(key, column);
    }
    column.lines.add(line);
  }
  return columns;
}

/** Interrupts, and events such as the end of a grace period, belong to a CPU and to no task. */
function isOfTask({ kind, path }: TraceLine): boolean {
  return kind !== 'event' && path !== '' && !/^CPU\d/.test(path);
}

/** `A/101`: steps do not know the pid, but what a task says does. */
function nameOf({ path }: TraceLine, tasks: readonly TraceLine[]): string {
  const known = tasks.find((line) => line.path === path && line.kind !== 'step');
  const name = shorten(path, NAME_MAX);
  return known === undefined ? name : `${name}/${known.pid}`;
}

function sideBySide(lines: readonly TraceLine[], run: Run, painter: Painter): string[] {
  const { columns, widths, colors } = painter;
  const heads = columns.map(({ head }, i) => pad(head, widths[i]!)).join(GAP);
  const text = [colors.bold((GAP + heads).trimEnd())];
  for (const line of lines) {
    const { index } = columns.find((column) => column.lines.has(line))!;
    const before = widths.slice(0, index).reduce((sum, width) => sum + width + GAP.length, 0);
    const indent = GAP + ' '.repeat(before);
    for (const cell of wrap(cellOf(line, run.failures), widths[index]!, 4)) {
      text.push(indent + paint(cell, line, colors));
    }
  }
  return text;
}

function inOneColumn(
  lines: readonly TraceLine[],
  failures: readonly Failure[],
  painter: Painter,
): string[] {
  const { columns, colors, width } = painter;
  const headWidth = Math.max(0, ...columns.map(({ head }) => head.length));
  const text: string[] = [];
  let before = '';
  for (const line of lines) {
    const { head } = columns.find((column) => column.lines.has(line))!;
    const room = Math.max(COLUMN_MIN, width - headWidth - 2 * GAP.length);
    const cells = wrap(cellOf(line, failures), room, 4);
    for (const cell of cells) {
      const who = pad(head === before ? '' : head, headWidth);
      before = head;
      text.push(GAP + colors.bold(who) + GAP + paint(cell, line, colors));
    }
  }
  return text;
}

/** One line in its column: `  C2  close_fd(6): slot 6 cleared`. */
function cellOf(line: TraceLine, failures: readonly Failure[]): string {
  const [fn = '', point = ''] = line.site.split(':');
  const label = /^[A-Z]\w?\d*[a-z]?$/.test(point) ? point : '';
  const inside = `  ${label.padEnd(3)} `;
  switch (line.kind) {
    case 'syscall':
      return line.text;
    case 'return':
      return `  ${line.text}`;
    case 'note':
      return inside + line.text;
    case 'event':
      return `· ${line.text}`;
    case 'printk':
      return `  # ${line.text}`;
    case 'step': {
      const place = label === '' && point !== '' ? `${fn}: ${point}` : fn;
      return inside + (line.object === '' ? place : `${place}  ${line.object}`);
    }
    case 'report': {
      const kind = failures.find(({ title }) => title === line.text)?.kind ?? '';
      return `${inside}${shortTitle(line.text)}  ← ${kind}`;
    }
  }
}

/** `KASAN: slab-use-after-free in f` */
function shortTitle(title: string): string {
  return title.replace(/^(BUG|WARNING|INFO): /, '');
}

function paint(cell: string, { kind }: TraceLine, colors: Colors): string {
  const text = cell.trimEnd();
  if (kind === 'report') return colors.red(text);
  if (kind === 'syscall') return colors.cyan(text);
  return kind === 'note' || kind === 'event' ? text : colors.dim(text);
}
