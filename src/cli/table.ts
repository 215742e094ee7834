/** Aligned columns. */
import { cutTo, plainLine, widthOf } from './plain-text.ts';
import type { Paint } from './paint.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Gives way first when the terminal is narrow. */
  readonly isFlexible?: boolean;
}

const GAP = '  ';
const FLEXIBLE_LEAST = 12;

/**
 * Rows under their titles. Cells lose their line breaks and control characters. The flexible column is cut so
 * that a row fits `width`; without a width nothing is cut.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  { width, paint }: { width: number | undefined; paint: Paint },
): string {
  const cells = rows.map((row) => columns.map((_column, at) => plainLine(row[at] ?? '')));
  const widths = columns.map((column, at) =>
    Math.max(widthOf(column.title), ...cells.map((row) => widthOf(row[at] ?? ''))),
  );
  if (width !== undefined) shrink(columns, widths, width);
  const title = line(
    columns.map((column) => column.title),
    columns,
    widths,
  );
  return [paint('dim', title), ...cells.map((row) => line(row, columns, widths))].join('\n');
}

function shrink(columns: readonly Column[], widths: number[], width: number): void {
  const flexible = columns.findIndex((column) => column.isFlexible);
  if (flexible < 0) return;
  const total = widths.reduce((sum, each) => sum + each, 0) + GAP.length * (columns.length - 1);
  const own = widths[flexible] ?? 0;
  widths[flexible] = Math.max(Math.min(own, FLEXIBLE_LEAST), own - Math.max(0, total - width));
}

function line(cells: readonly string[], columns: readonly Column[], widths: readonly number[]): string {
  return columns
    .map((column, at) => {
      const width = widths[at] ?? 0;
      const text = cutTo(cells[at] ?? '', width);
      const padding = ' '.repeat(Math.max(0, width - widthOf(text)));
      return column.align === 'right' ? padding + text : text + padding;
    })
    .join(GAP)
    .trimEnd();
}
