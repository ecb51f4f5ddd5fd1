/** Cells of a histogram over time: a row for each bucket, the darker the more. */
import type uPlot from 'uplot';
import { formatValue } from '../format.ts';
import type { ChartData, PageData } from '../page/data.ts';
import { color } from './theme.ts';

/** The largest value of all cells. */
export function mostOf(panel: ChartData): number {
  return panel.series.reduce(
    (max, row) => row.values.reduce<number>((top, value) => Math.max(top, value ?? 0), max),
    0,
  );
}

/** A cell with less than this share of the fullest one is left empty: rates of buckets are never quite zero. */
const FAINTEST = 0.0005;

export function drawCells(chart: uPlot, panel: ChartData, data: PageData): void {
  const { ctx, bbox } = chart;
  const step = (data.times[1] ?? 1) - (data.times[0] ?? 0);
  const most = mostOf(panel);
  if (most === 0) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = color('heat');
  for (const [row, bucket] of panel.series.entries()) {
    const top = chart.valToPos(row + 1, 'y', true);
    const height = chart.valToPos(row, 'y', true) - top;
    for (const [index, value] of bucket.values.entries()) {
      if (value === null || value <= most * FAINTEST) continue;
      const time = data.times[index] ?? 0;
      const left = chart.valToPos(time - step, 'x', true);
      // The root brings out the few slow ones, for which the chart is looked at.
      ctx.globalAlpha = 0.08 + 0.92 * Math.sqrt(value / most);
      ctx.fillRect(left, top + 1, Math.max(1, chart.valToPos(time, 'x', true) - left), Math.max(1, height - 1));
    }
  }
  ctx.restore();
}

/** A bucket as a person reads it: `≤ 5 ms`. */
export function bucketLabel(panel: ChartData, row: number): string {
  const bound = panel.series[row]?.name;
  if (bound === undefined) return '';
  const below = panel.series[row - 1]?.name;
  if (bound === '+Inf') return below === undefined ? 'any' : `> ${formatValue(Number(below), panel.unit)}`;
  return `≤ ${formatValue(Number(bound), panel.unit)}`;
}
