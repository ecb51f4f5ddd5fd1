/** Cells of a histogram over time: a row for each bucket, the darker the more. */
import type uPlot from 'uplot';
import { formatValue } from '../format.ts';
import type { ChartData, PageData } from '../page/data.ts';
import { color } from './theme.ts';

export function drawCells(chart: uPlot, panel: ChartData, data: PageData): void {
  const { ctx, bbox } = chart;
  const step = (data.times[1] ?? 1) - (data.times[0] ?? 0);
  const most = panel.series.reduce((max, row) => row.values.reduce<number>((top, value) => Math.max(top, value ?? 0), max), 0);
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
      if (value === null || value <= 0) continue;
      const time = data.times[index] ?? 0;
      const left = chart.valToPos(time - step, 'x', true);
      // The root brings out the few slow ones, for which the chart is looked at.
      ctx.globalAlpha = 0.12 + 0.88 * Math.sqrt(value / most);
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
