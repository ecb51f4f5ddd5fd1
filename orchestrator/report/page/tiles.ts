/** What a stat panel says. */
import { formatValue } from '../format.ts';
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
