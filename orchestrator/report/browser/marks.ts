/** Fault windows, phase borders and firing alerts, drawn into every chart. */
import type uPlot from 'uplot';
import type { PageData } from '../page/data.ts';
import { color } from './theme.ts';

/** Height of the strip at the top of a chart that is red while an alert fires, in CSS pixels. */
const STRIP = 4;

function between(chart: uPlot, from: number, to: number): { x: number; width: number } | null {
  const { left, width } = chart.bbox;
  const a = Math.max(left, chart.valToPos(from, 'x', true));
  const b = Math.min(left + width, chart.valToPos(to, 'x', true));
  return b < left || a > left + width || b < a ? null : { x: a, width: Math.max(2, b - a) };
}

export function drawFaults(chart: uPlot, data: PageData): void {
  const { ctx, bbox } = chart;
  ctx.save();
  ctx.fillStyle = color('fault-shade');
  for (const fault of data.faults) {
    const span = between(chart, fault.from, fault.to);
    if (span !== null) ctx.fillRect(span.x, bbox.top, span.width, bbox.height);
  }
  ctx.restore();
}

export function drawPhasesAndAlerts(chart: uPlot, data: PageData): void {
  const { ctx, bbox } = chart;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = color('phase-line');
  ctx.lineWidth = ratio;
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  for (const phase of data.phases) {
    const at = between(chart, phase.from, phase.from);
    if (at === null || at.x <= bbox.left) continue;
    ctx.beginPath();
    ctx.moveTo(at.x, bbox.top);
    ctx.lineTo(at.x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.fillStyle = color('bad');
  for (const alert of data.firing) {
    const span = between(chart, alert.from, alert.to);
    if (span !== null) ctx.fillRect(span.x, bbox.top, span.width, STRIP * ratio);
  }
  ctx.restore();
}
