/** k6's own summary. */
import { formatSeconds, formatValue } from '../format.ts';
import type { ReportInput } from '../input.ts';
import type { LoadMetric } from '../load-summary.ts';
import { html, type Markup } from '../markup.ts';

/** In the order in which a person compares them. */
const TREND_COLUMNS = ['min', 'avg', 'med', 'p(90)', 'p(95)', 'p(99)', 'p(99.9)', 'max', 'count'] as const;

function cell(metric: LoadMetric, column: string): string {
  const value = metric.values[column];
  if (value === undefined) return '–';
  return metric.contains === 'time' && column !== 'count' ? formatSeconds(value / 1000) : formatValue(value, 'short');
}

function trends(metrics: readonly LoadMetric[]): Markup | false {
  const columns = TREND_COLUMNS.filter((column) => metrics.some((metric) => column in metric.values));
  return (
    metrics.length > 0 &&
    html`<div class="scroll"><table><caption>Durations and other distributions</caption><thead><tr><th scope="col">Metric</th>${columns.map(
      (column) => html`<th scope="col" class="number">${column}</th>`,
    )}</tr></thead><tbody>${metrics.map(
      (metric) =>
        html`<tr><th scope="row">${metric.name}</th>${columns.map((column) => html`<td class="number">${cell(metric, column)}</td>`)}</tr>`,
    )}</tbody></table></div>`
  );
}

function others(metrics: readonly LoadMetric[]): Markup | false {
  const text = (metric: LoadMetric) =>
    Object.entries(metric.values).map(([name, value]) => {
      if (name === 'rate')
        return metric.type === 'rate' ? `rate ${formatValue(value, 'percentunit')}` : formatValue(value, 'ops');
      return `${name} ${formatValue(value, 'short')}`;
    });
  return (
    metrics.length > 0 &&
    html`<div class="scroll"><table><caption>Counters, rates and gauges</caption><thead><tr><th scope="col">Metric</th><th scope="col">Value</th></tr></thead><tbody>${metrics.map(
      (metric) => html`<tr><th scope="row">${metric.name}</th><td>${text(metric).join(', ')}</td></tr>`,
    )}</tbody></table></div>`
  );
}

export function renderLoad({ record, load }: ReportInput): Markup {
  const started =
    record.load === null
      ? 'The load was not started.'
      : `${record.load.script}, profile ${record.scenario.load.profile}, exit code ${record.load.exitCode ?? 'none'}.`;
  if (record.observed !== undefined)
    return html`<section id="load"><h2>Load</h2><p>None of ours: an existing system was judged as it is used.</p></section>`;
  if (load === null) return html`<section id="load"><h2>Load (k6)</h2><p>${started} k6 left no summary.</p></section>`;
  const thresholds =
    load.thresholds.length > 0 &&
    html`<div class="scroll"><table><caption>Thresholds: k6's own opinion; the verdict comes from the alert rules.</caption><thead><tr><th scope="col">Result</th><th scope="col">Metric</th><th scope="col">Threshold</th></tr></thead><tbody>${load.thresholds.map(
      ({ metric, expression, ok }) =>
        html`<tr data-outcome="${ok ? 'pass' : 'fail'}"><td><span class="badge">${ok ? '✔ met' : '✘ crossed'}</span></td><th scope="row">${metric}</th><td><code>${expression}</code></td></tr>`,
    )}</tbody></table></div>`;
  return html`<section id="load"><h2>Load (k6)</h2><p>${started}</p>${thresholds}${trends(load.metrics.filter((metric) => metric.type === 'trend'))}${others(
    load.metrics.filter((metric) => metric.type !== 'trend'),
  )}</section>`;
}
