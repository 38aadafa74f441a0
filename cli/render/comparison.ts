import type {
  Comparison,
  ComparisonRow,
  ComparisonTable,
} from '../../scenarios/compare/comparison.ts';
import { pad, wrap } from './text.ts';

const NAME_WIDTH = 24;
/** Narrower columns are not read: each cell has a line of its own then. */
const CELL_WIDTH_MIN = 17;

/** For a terminal: a matrix where it fits, and what was done to find each row out. */
export function comparisonText(comparison: Comparison, width: number): string {
  const lines = [comparison.about];
  for (const table of comparison.tables) {
    const columns = table.columns ?? comparison.columns;
    const cellWidth = Math.floor((width - NAME_WIDTH) / columns.length) - 2;
    lines.push('', `== ${table.title}`, '');
    if (cellWidth >= CELL_WIDTH_MIN) lines.push(...matrix(table.rows, columns, cellWidth));
    else lines.push(...table.rows.flatMap((row) => block(row, columns, width)));
  }
  return lines.join('\n');
}

function matrix(
  rows: readonly ComparisonRow[],
  columns: readonly string[],
  cellWidth: number,
): string[] {
  const head = gridLines(['', ...columns], cellWidth);
  const body = rows.flatMap(({ name, cells }) => gridLines([name, ...cells], cellWidth));
  const how = rows.filter((row) => row.how !== '').map((row) => `  ${row.name}: ${row.how}`);
  const whole = NAME_WIDTH + columns.length * (cellWidth + 2);
  return [...head, '-'.repeat(whole), ...body, '', ...how.flatMap((line) => wrap(line, whole))];
}

/** One row, over as many lines as its longest cell takes. */
function gridLines(cells: readonly string[], cellWidth: number): string[] {
  const wrapped = cells.map((cell, i) => wrap(cell, i === 0 ? NAME_WIDTH - 2 : cellWidth, 1));
  const height = Math.max(...wrapped.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) =>
    wrapped
      .map((parts, i) => pad(parts[line] ?? '', i === 0 ? NAME_WIDTH : cellWidth + 2))
      .join('')
      .trimEnd(),
  );
}

function block({ name, how, cells }: ComparisonRow, columns: readonly string[], width: number) {
  const labelWidth = Math.max(...columns.map(({ length }) => length)) + 2;
  const lines = [how === '' ? name : `${name}: ${how}`];
  for (const [i, cell] of cells.entries()) {
    if (cell === '') continue;
    const [first = '', ...rest] = wrap(cell, Math.max(CELL_WIDTH_MIN, width - labelWidth - 2), 0);
    lines.push(`  ${pad(columns[i]!, labelWidth)}${first}`);
    for (const more of rest) lines.push(`  ${pad('', labelWidth)}${more}`);
  }
  return [...lines, ''];
}

/** For docs/COMPARISONS.md. */
export function comparisonMarkdown(comparison: Comparison): string {
  const parts = [`## ${comparison.name}`, `${comparison.about}.`];
  for (const table of comparison.tables) {
    const title = table.title.charAt(0).toUpperCase() + table.title.slice(1);
    parts.push(`### ${title}`, markdownTable(table, table.columns ?? comparison.columns));
  }
  return `${parts.join('\n\n')}\n`;
}

function markdownTable({ rows }: ComparisonTable, columns: readonly string[]): string {
  const hasHow = rows.some(({ how }) => how !== '');
  const head = ['', ...columns, ...(hasHow ? ['how'] : [])];
  const body = rows.map(({ name, cells, how }) => {
    return [`**${name}**`, ...cells, ...(hasHow ? [how] : [])];
  });
  const lines = [head, head.map(() => '---'), ...body];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
