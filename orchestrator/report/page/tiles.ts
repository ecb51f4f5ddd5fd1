/** What a stat panel says. */
import type { RunRecord } from '../../run/record.ts';
import { formatValue } from '../format.ts';
import { outcomeOf } from '../input.ts';
import type { PanelData } from '../panels.ts';

export interface TileValue {
  readonly text: string;
  readonly value: number | null;
  /** By the panel's thresholds: `bad` where they are red. */
  readonly state: 'good' | 'bad' | 'plain';
}

function reduce(panel: PanelData): number | null {
  const values = (panel.series[0]?.values ?? []).filter((value) => value !== null);
  if (values.length === 0) return null;
  return panel.reduce === 'max' ? values.reduce((a, b) => Math.max(a, b)) : (values.at(-1) ?? null);
}

export function tileValue(panel: PanelData): TileValue {
  const value = reduce(panel);
  if (value === null) return { text: 'no data', value, state: 'plain' };
  const step = panel.thresholds.filter((threshold) => threshold.value === null || value >= threshold.value).at(-1);
  const state = step?.color === 'red' ? 'bad' : step?.color === 'green' ? 'good' : 'plain';
  return { text: formatValue(value, panel.unit, panel.decimals), value, state };
}

/** A latency over the whole load contains what the faults cost, which a criterion may leave out: not comparable with its objective. */
export function isLatencyUnderFault(panel: PanelData, record: RunRecord): boolean {
  return / p\d+$/.test(panel.title) && record.faults.some((fault) => fault.injectedAt !== undefined);
}

/**
 * The value in words. The metrics of a recovery begin with it: where none was seen to end and none had begun to be counted, their
 * 0 would be the best of all recoveries.
 */
export function tileText(panel: PanelData, record: RunRecord): string {
  const { text, value } = tileValue(panel);
  const unseen = record.faults.some(
    ({ injectedAt, recoveredAt }) => injectedAt !== undefined && recoveredAt === undefined,
  );
  return panel.title === 'Recovery' && unseen && !value ? 'not seen' : text;
}

/** The title, and what the number must not be taken for: a latency without the faults, or the result of a whole run. */
export function tileName(panel: PanelData, record: RunRecord): string {
  const faults = isLatencyUnderFault(panel, record) ? ', faults included' : '';
  return `${panel.title}${faults}${outcomeOf(record) === 'none' ? ', so far' : ''}`;
}
