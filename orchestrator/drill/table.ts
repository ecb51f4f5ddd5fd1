/** Drills for people: alert × fault × expected × time to detect × time to resolve. */
import { type Colors, columns } from '../cli/terminal.ts';
import { formatDuration } from '../verdict/duration.ts';
import type { Result } from '../verdict/types.ts';
import type { DrillOutcome } from './outcome.ts';

const HEAD = ['alert', 'fault', 'expected', 'red after', 'green after', 'healthy run', 'result'];
const SYMBOL: Readonly<Record<Result, string>> = { pass: '✔', fail: '✘', inconclusive: '?' };

export function drillTable(outcomes: readonly DrillOutcome[], colors: Colors): string {
  const paints = { pass: colors.green, fail: colors.red, inconclusive: colors.yellow };
  const rows = outcomes.map((outcome) => [
    outcome.alert,
    outcome.fault || '–',
    'firing',
    outcome.detectMs === null ? 'never' : withStretch(outcome.detectMs, outcome),
    resolved(outcome),
    outcome.healthy === null ? 'not run' : outcome.healthy === 'pass' ? 'silent' : outcome.healthy,
    `${SYMBOL[outcome.result]} ${outcome.result}`,
  ]);
  const table = columns([HEAD, ...rows], (cell, column, row) => {
    if (row === 0) return colors.dim(cell);
    return column === HEAD.length - 1 ? paints[outcomes[row - 1]!.result](cell) : cell;
  });
  const notes = [
    ...outcomes.filter(({ result }) => result !== 'pass').map(({ alert, reason }) => `  ${alert}: ${reason}`),
    ...(outcomes.some(({ stretch }) => stretch !== undefined)
      ? ['  * virtual time: the samples of the run were moved apart, see orchestrator/verdict/stretch.ts']
      : []),
  ];
  return [table, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}

export function resolved({ detectMs, resolveMs, staysBecause, ...outcome }: DrillOutcome): string {
  if (detectMs === null) return '–';
  if (staysBecause !== undefined) return 'stays, by design';
  return resolveMs === null ? 'not before the end' : withStretch(resolveMs, outcome);
}

export function withStretch(ms: number, { stretch }: Pick<DrillOutcome, 'stretch'>): string {
  return `${formatDuration(ms)}${stretch === undefined ? '' : ' *'}`;
}
