import type { Comparison, ComparisonTable } from '../../scenarios/compare/comparison.ts';
import { wrap } from './text.ts';

/** For a terminal: one block a row, since cells are sentences. */
export function comparisonText(comparison: Comparison, width: number): string {
  const lines = [comparison.about];
  for (const table of comparison.tables) {
    const columns = table.columns ?? comparison.columns;
    const labelWidth = Math.max(...columns.map(({ length }) => length)) + 2;
    lines.push('', `== ${table.title}`);
    for (const { name, how, cells } of table.rows) {
      lines.push('', how === '' ? name : `${name}: ${how}`);
      for (const [i, cell] of cells.entries()) {
        if (cell === '') continue;
        const [first = '', ...rest] = wrap(cell, Math.max(20, width - labelWidth - 2), 0);
        lines.push(`  ${columns[i]!.padEnd(labelWidth)}${first}`);
        for (const more of rest) lines.push(`  ${''.padEnd(labelWidth)}${more}`);
      }
    }
  }
  return lines.join('\n');
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
  const lines = rows.map(({ name, cells, how }) => [
    `**${name}**`,
    ...cells,
    ...(hasHow ? [how] : []),
  ]);
  return [head, head.map(() => '---'), ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}
