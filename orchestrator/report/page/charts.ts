/** The dashboards' panels: their frames here, their series as data for the page's script. */
import { injectionName } from '../../run/record.ts';
import { endOf, originOf, type ReportInput } from '../input.ts';
import { html, json, type Markup } from '../markup.ts';
import type { DashboardData, PanelData, Panels } from '../panels.ts';
import type { ChartData, PageData } from './data.ts';
import { renderTile } from './header.ts';

/** Six digits are more than a chart can show, and much shorter than what Prometheus sends. */
function short(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : Number(value.toPrecision(6));
}

function chartOf(panel: PanelData): ChartData {
  return {
    kind: panel.kind === 'heatmap' ? 'heatmap' : 'timeseries',
    unit: panel.unit,
    stacked: panel.stacked,
    steps: panel.steps,
    ...(panel.decimals === undefined ? {} : { decimals: panel.decimals }),
    ...(panel.min === undefined ? {} : { min: panel.min }),
    ...(panel.max === undefined ? {} : { max: panel.max }),
    series: panel.series.map(({ name, values }) => ({ name, values: values.map(short) })),
  };
}

function hasData(panel: PanelData): boolean {
  return panel.series.some((series) => series.values.some((value) => value !== null));
}

/** The chart's own text: a reader without the script, or with a screen reader, has the queries and the title. */
function renderChart(panel: PanelData, id: string): Markup {
  const errors = panel.errors.map((error) => html`<p class="error">${error}</p>`);
  const body = hasData(panel)
    ? html`<div class="chart" data-kind="${panel.kind}" data-chart="${id}"></div><div class="legend" data-legend="${id}"></div>`
    : html`<p class="empty">no data in this window</p>`;
  return html`<figure class="panel"><figcaption><h4>${panel.title}</h4><p>${panel.description}</p></figcaption>${body}${errors}<details class="query"><summary>Query</summary>${panel.queries.map(
    (query) => html`<pre><code>${query}</code></pre>`,
  )}</details></figure>`;
}

function renderDashboard(dashboard: DashboardData, index: number, hoisted: ReadonlySet<PanelData>): Markup {
  const rows = dashboard.rows.map((row, rowIndex) => {
    const tiles = row.panels.filter((panel) => panel.kind === 'stat' && !hoisted.has(panel));
    const charts = row.panels
      .map((panel, panelIndex) => ({ panel, id: `${index}.${rowIndex}.${panelIndex}` }))
      .filter(({ panel }) => panel.kind !== 'stat');
    return html`<details class="row" open><summary><h3>${row.title}</h3></summary>${tiles.length > 0 && html`<ul class="tiles">${tiles.map((tile) => renderTile(tile))}</ul>`}<div class="panels">${charts.map(
      ({ panel, id }) => renderChart(panel, id),
    )}</div></details>`;
  });
  return html`<section id="${dashboard.uid}"><h2>${dashboard.title}</h2><p class="lead">${dashboard.description}</p>${rows}</section>`;
}

export function renderDashboards(panels: Panels, hoisted: ReadonlySet<PanelData>): Markup {
  const missing =
    panels.unsupported.length > 0 &&
    html`<section><h2>Not drawn</h2><p>Panels of kinds that only Grafana draws:</p><ul>${panels.unsupported.map((text) => html`<li>${text}</li>`)}</ul></section>`;
  return html`<div class="key" aria-label="Marks in the charts"><span><i class="mark-fault"></i>fault in force</span><span><i class="mark-phase"></i>phase begins</span><span><i class="mark-firing"></i>alert firing</span><span class="hint">Drag in a chart to zoom all of them, double-click to see everything again.</span></div>${panels.dashboards.map(
    (dashboard, index) => renderDashboard(dashboard, index, hoisted),
  )}${missing}`;
}

/** The data block that the page's script reads. */
export function renderData({ record, panels }: ReportInput): Markup {
  if (panels === null) return html``;
  const end = endOf(record);
  const charts = panels.dashboards.flatMap((dashboard, d) =>
    dashboard.rows.flatMap((row, r) =>
      row.panels.flatMap((panel, p) =>
        panel.kind === 'stat' || !hasData(panel) ? [] : [[`${d}.${r}.${p}`, chartOf(panel)] as const],
      ),
    ),
  );
  const seconds = (time: number) => time / 1000;
  const data: PageData = {
    origin: seconds(originOf(record)),
    times: panels.times.map(seconds),
    faults: record.faults.flatMap((fault) =>
      fault.injectedAt === undefined
        ? []
        : [{ name: injectionName(fault), from: seconds(fault.injectedAt), to: seconds(fault.healedAt ?? end) }],
    ),
    phases: record.phases.map((phase) => ({
      name: phase.name,
      from: seconds(phase.from),
      to: seconds(phase.to ?? end),
    })),
    firing: panels.firing.map((span) => ({ name: span.alert, from: seconds(span.from), to: seconds(span.to) })),
    charts: Object.fromEntries(charts),
  };
  return html`<script type="application/json" id="data">${json(data)}</script>`;
}
