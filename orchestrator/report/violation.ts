/** A violation of linearizability as text; what a drawing of it needs, too. */
import type { Operation, Violation } from '../checkers/types.ts';
import { FINAL_READER } from '../run/record.ts';

/** Values come from a load script and have no bound. */
const VALUE_LENGTH_MAX = 24;
const TICK_WIDTH = 3;

/** `read "b"`, `update "c", outcome unknown`, `delete found nothing`. */
export function operationLabel({ operation, value, outcome }: Operation): string {
  if (outcome === 'absent') return `${operation} found nothing`;
  const what = value === null ? operation : `${operation} ${JSON.stringify(shortened(value))}`;
  return outcome === 'unknown' ? `${what}, outcome unknown` : what;
}

function shortened(value: string): string {
  const characters = [...value];
  if (characters.length <= VALUE_LENGTH_MAX) return value;
  const half = VALUE_LENGTH_MAX / 2;
  return `${characters.slice(0, half).join('')}…${characters.slice(1 - half).join('')}`;
}

/**
 * The moments at which an operation starts or ends, ascending. Only their order matters, and they may be a microsecond or a
 * minute apart: text and drawing give every one the same room.
 */
export function momentsOf(window: readonly Operation[]): number[] {
  const times = window.flatMap(({ start, end }) => (end === null ? [start] : [start, end]));
  return [...new Set(times)].sort((a, b) => a - b);
}

/** What the register held before, in words. */
export function beforeText({ before }: Violation): string {
  return before === 'absent' ? 'Before them there was no entry.' : 'Before them the entry may have held anything.';
}

/**
 * The smallest window as a table with a line of time, for a terminal:
 *
 *     entry k: process 2 at node 1 read "a" after it had been replaced by "b" of process 1
 *         process  node  operation  from   to
 *         1        0     update "b"  0 ms  12 ms  ├──┤
 *       ✘ 2        1     read "a"   20 ms  21 ms        ├──┤
 */
export function describeViolation(violation: Violation): string {
  const { key, reason, window, impossible } = violation;
  const moments = momentsOf(window);
  const origin = moments[0] ?? 0;
  const at = (time: number | null) => (time === null ? 'never' : `${time - origin} ms`);
  const rows = window.map((operation) => [
    operation.process === FINAL_READER ? 'final' : `${operation.process}`,
    `${operation.node}`,
    operationLabel(operation),
    at(operation.start),
    at(operation.end),
  ]);
  const table = [['process', 'node', 'operation', 'from', 'to'], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const lines = table.map((row, index) => {
    const mark = index === impossible + 1 ? '✘' : ' ';
    const cells = row.map((cell, column) =>
      column >= 3 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
    );
    const operation = window[index - 1];
    return `  ${mark} ${cells.join('  ')}  ${operation === undefined ? '' : barOf(operation, moments)}`.trimEnd();
  });
  return [`entry ${key}: ${reason}`, ...lines, `    ${beforeText(violation)}`].join('\n');
}

function barOf({ start, end }: Operation, moments: readonly number[]): string {
  const from = moments.indexOf(start) * TICK_WIDTH;
  if (end === null) return `${' '.repeat(from)}├${'─'.repeat(moments.length * TICK_WIDTH - from)}→`;
  const to = moments.indexOf(end) * TICK_WIDTH;
  return `${' '.repeat(from)}${from === to ? '│' : `├${'─'.repeat(to - from - 1)}┤`}`;
}
