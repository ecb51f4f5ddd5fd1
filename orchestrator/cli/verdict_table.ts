/** The verdict for a terminal: one line a criterion, then whole sentences for what did not pass. */
import type { RunRecord } from '../run/record.ts';
import { formatDuration } from '../scenario/units.ts';
import type { CriterionResult, Result } from '../verdict/types.ts';
import { type Colors, columns, shorten } from './terminal.ts';

const SYMBOL: Readonly<Record<Result, string>> = { pass: '✔', fail: '✘', inconclusive: '?' };
const HEAD = ['criterion', 'expected', 'result', 'why'];
const WHY_MIN = 12;

/** `width` in columns; no line is longer, except where whole reasons follow the table. */
export function verdictTable(record: RunRecord, width: number, colors: Colors): string {
  const { verdict } = record;
  if (verdict === undefined) return '';
  const paint = paintOf(colors);
  const rows = verdict.criteria.map((criterion) => [
    criterion.alert,
    expectation(criterion),
    `${SYMBOL[criterion.result]} ${criterion.result}`,
    shortReason(criterion),
  ]);
  const table = columns(cutWhy([HEAD, ...rows], width), (cell, column, row) => {
    if (row === 0) return colors.dim(cell);
    return column === 2 ? paint(verdict.criteria[row - 1]!.result, cell) : cell;
  });
  return [table, '', headline(record, colors), ...reasons(record)].join('\n');
}

/** `silent outside faults`, `firing during leader-dies within 10s`. */
export function expectation({ expect, during, outside, withinMs, stretch }: CriterionResult): string {
  const parts = [
    expect,
    ...(during === undefined ? [] : [`during ${during}`]),
    ...(withinMs === undefined ? [] : [`within ${formatDuration(withinMs)}`]),
    ...(outside === undefined ? [] : [`outside ${outside}`]),
    ...(stretch === undefined ? [] : [`time × ${stretch}`]),
  ];
  return parts.join(' ');
}

/** Of what passed the first clause is enough; whole sentences for the rest follow the table. */
function shortReason({ result, reason }: CriterionResult): string {
  return result === 'pass' ? reason.split(/[,;] /)[0]! : reason;
}

/** Without the last column where too little of it would be left: what did not pass says why below the table. */
function cutWhy(rows: readonly (readonly string[])[], width: number): string[][] {
  const before = [0, 1, 2].map((column) => Math.max(...rows.map((row) => row[column]!.length)) + 2);
  const left = width - before.reduce((sum, each) => sum + each, 0);
  if (left < WHY_MIN) return rows.map((row) => row.slice(0, 3));
  return rows.map((row) => [...row.slice(0, 3), shorten(row[3]!, left)]);
}

function headline(record: RunRecord, colors: Colors): string {
  const { result, criteria } = record.verdict!;
  const counts = (['pass', 'fail', 'inconclusive'] as const)
    .map((each) => [each, criteria.filter((criterion) => criterion.result === each).length] as const)
    .filter(([, count]) => count > 0)
    .map(([each, count]) => `${count} ${each}`);
  return `${paintOf(colors)(result, colors.bold(`${SYMBOL[result]} ${result.toUpperCase()}`))}  ${record.scenario.id}: ${counts.join(', ')}`;
}

function reasons(record: RunRecord): string[] {
  return record.verdict!.reasons.map((reason) => `  ${reason}`);
}

function paintOf(colors: Colors): (result: Result, text: string) => string {
  const paints = { pass: colors.green, fail: colors.red, inconclusive: colors.yellow };
  return (result, text) => paints[result](text);
}
