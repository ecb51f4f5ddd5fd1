/** Where the CLI writes: results to stdout, progress and errors to stderr. */
import pc from 'picocolors';

export interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export type Colors = ReturnType<typeof pc.createColors>;

export interface Terminal {
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** For each stream, since one may be a pipe and the other a terminal. */
  readonly outColors: Colors;
  readonly errColors: Colors;
}

export function createTerminal(
  stdout: OutputStream,
  stderr: OutputStream,
  environment: Readonly<Record<string, string | undefined>>,
): Terminal {
  const allowed = !environment.NO_COLOR && environment.TERM !== 'dumb';
  const colors = (stream: OutputStream) => pc.createColors(allowed && stream.isTTY === true);
  return { stdout, stderr, outColors: colors(stdout), errColors: colors(stderr) };
}

/** As wide as the terminal within what can be read; 100 where there is none. */
export function widthOf(stream: OutputStream): number {
  return Math.min(Math.max(stream.columns ?? 100, 60), 160);
}

/** Cuts at the width, with an ellipsis. */
export function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Left-aligned columns, two spaces apart, the last one unpadded. Cells have no colour; `paint` adds it to the finished cell. */
export function columns(
  rows: readonly (readonly string[])[],
  paint: (cell: string, column: number, row: number) => string = (cell) => cell,
): string {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows
    .map((cells, row) =>
      cells
        .map((cell, column) =>
          paint(column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0), column, row),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
