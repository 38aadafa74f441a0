/** Lines of at most `width` columns; what is cut off goes on `hanging` columns further in. */
export function wrap(text: string, widthWanted: number, hanging = 2): string[] {
  const width = Math.max(1, widthWanted);
  const lines: string[] = [];
  const indent = ' '.repeat(text.length - text.trimStart().length + hanging);
  let rest = text;
  while (columnsOf(rest) > width) {
    const breakAt = rest.lastIndexOf(' ', width);
    const isWord = rest.slice(0, Math.max(breakAt, 0)).trim() === '';
    const end = isWord ? width : breakAt;
    lines.push(rest.slice(0, end).trimEnd());
    const next = rest.slice(end).trimStart();
    rest = (indent.length < width - 8 ? indent : '') + next;
  }
  lines.push(rest);
  return lines;
}

export function columnsOf(text: string): number {
  return text.length;
}

export function pad(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - columnsOf(text)));
}

/** Rows as columns that fit their widest cell, two spaces apart. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, columnsOf(cell))));
  }
  return rows.map((row) =>
    row
      .map((cell, i) => pad(cell, widths[i]!))
      .join('  ')
      .trimEnd(),
  );
}

/** A text of at most `width` columns: `A/A#1/…/A#1`. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const end = Math.floor((width - 1) / 2);
  return `${text.slice(0, width - 1 - end)}…${text.slice(text.length - end)}`;
}
