/** Turns the dashboards' queries into plain series for one run's window, by range queries on the run's stored data. */
import type { Grid } from '../verdict/alert-state.ts';
import type { MatrixSeries, PromApi } from '../verdict/api.ts';
import type { DashboardModel, PanelModel, Target } from './dashboards.ts';
import { interpolate, legendOf, type QueryWindow } from './interpolate.ts';

/** More points than a chart has pixels show nothing new. */
const POINTS_MAX = 600;
/** Prometheus answers a few queries at once faster than all of them. */
const QUERIES_AT_ONCE = 4;

/** The one thing that the report asks of Prometheus; rejects with what Prometheus said. */
export type RangeQueries = Pick<PromApi, 'queryRange'>;

export interface Series {
  readonly name: string;
  /** One for each time of the grid; null where there is no sample. */
  readonly values: readonly (number | null)[];
}

export interface PanelData extends Omit<PanelModel, 'targets'> {
  /** Of a heatmap: one for each bucket, named by its upper bound, lowest first, not cumulative. */
  readonly series: readonly Series[];
  /** As they were sent. */
  readonly queries: readonly string[];
  /** What went wrong with a query. */
  readonly errors: readonly string[];
}

export interface DashboardData {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly PanelData[] }[];
}

/** When an alert fired, as Prometheus recorded it. Epoch milliseconds. */
export interface FiringInterval {
  readonly alert: string;
  readonly severity: string;
  readonly from: number;
  readonly to: number;
}

export interface Panels {
  readonly window: QueryWindow;
  /** Epoch milliseconds, the same for all panels. */
  readonly times: readonly number[];
  readonly dashboards: readonly DashboardData[];
  readonly firing: readonly FiringInterval[];
  readonly unsupported: readonly string[];
}

/** The window with a step that gives at most {@link POINTS_MAX} points and is a multiple of the scrape interval. */
export function windowOf(from: number, to: number, scrapeIntervalMs = 1000): QueryWindow {
  const scrapes = Math.max(1, Math.ceil((to - from) / scrapeIntervalMs / POINTS_MAX));
  const stepMs = scrapes * scrapeIntervalMs;
  const points = Math.max(1, Math.floor((to - from) / stepMs));
  return { from, to: from + points * stepMs, stepMs, scrapeIntervalMs };
}

function promGrid(window: QueryWindow): Grid {
  return { fromMs: window.from, toMs: window.to, stepMs: window.stepMs };
}

function gridOf(window: QueryWindow): number[] {
  const points = Math.round((window.to - window.from) / window.stepMs) + 1;
  return Array.from({ length: points }, (_, index) => window.from + index * window.stepMs);
}

function onGrid(matrix: MatrixSeries, window: QueryWindow, points: number): (number | null)[] {
  const values = new Array<number | null>(points).fill(null);
  for (const [time, value] of matrix.points) {
    const index = Math.round((time - window.from) / window.stepMs);
    if (index >= 0 && index < points && !Number.isNaN(value)) values[index] = value;
  }
  return values;
}

/** Prometheus' buckets count everything up to their bound; a heatmap shows what is between two bounds. */
function bucketsOf(cumulative: readonly Series[]): Series[] {
  const bound = (series: Series) => (series.name === '+Inf' ? Number.POSITIVE_INFINITY : Number(series.name));
  const sorted = [...cumulative].sort((a, b) => bound(a) - bound(b));
  const buckets = sorted.map((series, row) => ({
    name: series.name,
    values: series.values.map((value, index) =>
      value === null ? null : Math.max(0, value - (sorted[row - 1]?.values[index] ?? 0)),
    ),
  }));
  // Empty rows above and below the data only make it small; one on each side says that nothing was cut off.
  const filled = buckets.map((bucket) => bucket.values.some((value) => (value ?? 0) > 0));
  const first = filled.indexOf(true);
  return first === -1 ? buckets : buckets.slice(Math.max(0, first - 1), filled.lastIndexOf(true) + 2);
}

async function seriesOf(
  target: Target,
  expr: string,
  api: RangeQueries,
  window: QueryWindow,
  points: number,
): Promise<Series[]> {
  const matrices = await api.queryRange(expr, promGrid(window));
  return matrices.map((matrix) => ({
    name: legendOf(target.legend, matrix.labels),
    values: onGrid(matrix, window, points),
  }));
}

async function collectPanel(
  panel: PanelModel,
  variables: Readonly<Record<string, string>>,
  api: RangeQueries,
  window: QueryWindow,
): Promise<PanelData> {
  const points = gridOf(window).length;
  const { targets, ...rest } = panel;
  const queries = targets.map((target) => interpolate(target.expr, window, variables));
  const errors: string[] = [];
  const found = await Promise.all(
    targets.map(async (target, index) => {
      try {
        return await seriesOf(target, queries[index] ?? '', api, window, points);
      } catch (error) {
        errors.push(error instanceof Error ? error.message : String(error));
        return [];
      }
    }),
  );
  const series = found.flat();
  return { ...rest, series: panel.kind === 'heatmap' ? bucketsOf(series) : series, queries, errors };
}

async function inTurns<In, Out>(
  inputs: readonly In[],
  atOnce: number,
  work: (input: In) => Promise<Out>,
): Promise<Out[]> {
  const outputs = new Array<Out>(inputs.length);
  const queue = inputs.entries();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const [index, input] of queue) outputs[index] = await work(input);
    }),
  );
  return outputs;
}

/** Intervals in which `ALERTS` says that an alert fired; two samples further apart than two steps are two intervals. */
export async function collectFiring(api: RangeQueries, window: QueryWindow): Promise<FiringInterval[]> {
  const matrices = await api.queryRange('max by (alertname, severity) (ALERTS{alertstate="firing"})', promGrid(window));
  return matrices.flatMap(({ labels, points }) => {
    const intervals: { from: number; to: number }[] = [];
    for (const [time] of points) {
      const open = intervals.at(-1);
      if (open !== undefined && time - open.to <= 2 * window.stepMs) open.to = time;
      else intervals.push({ from: time, to: time });
    }
    return intervals.map((interval) => ({
      alert: labels.alertname ?? '',
      severity: labels.severity ?? '',
      ...interval,
    }));
  });
}

/** Series for every panel of every dashboard. A query that fails is an error of its panel, never of the whole report. */
export async function collectPanels(
  dashboards: readonly DashboardModel[],
  api: RangeQueries,
  window: QueryWindow,
): Promise<Panels> {
  const work = dashboards.flatMap((dashboard) =>
    dashboard.rows.flatMap((row) => row.panels.map((panel) => ({ panel, variables: dashboard.variables }))),
  );
  const collected = await inTurns(work, QUERIES_AT_ONCE, ({ panel, variables }) =>
    collectPanel(panel, variables, api, window),
  );
  const data = new Map(work.map(({ panel }, index) => [panel, collected[index] as PanelData]));
  return {
    window,
    times: gridOf(window),
    dashboards: dashboards.map(({ uid, title, description, rows }) => ({
      uid,
      title,
      description,
      rows: rows.map((row) => ({ title: row.title, panels: row.panels.map((panel) => data.get(panel) as PanelData) })),
    })),
    firing: await collectFiring(api, window).catch(() => []),
    unsupported: dashboards.flatMap((dashboard) => dashboard.unsupported),
  };
}

export interface PanelProblem {
  readonly dashboard: string;
  readonly panel: string;
  readonly expr: string;
  readonly problem: string;
}

/** Every query that Prometheus refused or that had not one sample in the window; none in a healthy run. */
export async function checkPanels(
  dashboards: readonly DashboardModel[],
  api: RangeQueries,
  window: QueryWindow,
): Promise<PanelProblem[]> {
  const single = dashboards.map((dashboard) => ({
    ...dashboard,
    rows: dashboard.rows.map((row) => ({
      ...row,
      panels: row.panels.flatMap((panel) => panel.targets.map((target) => ({ ...panel, targets: [target] }))),
    })),
  }));
  const panels = await collectPanels(single, api, window);
  const problems = panels.dashboards.flatMap((dashboard) =>
    dashboard.rows.flatMap((row) =>
      row.panels.flatMap((panel) => {
        const empty = !panel.series.some((series) => series.values.some((value) => value !== null));
        const problem = panel.errors[0] ?? (empty ? 'returned no data' : null);
        return problem === null
          ? []
          : [{ dashboard: dashboard.title, panel: panel.title, expr: panel.queries[0] ?? '', problem }];
      }),
    ),
  );
  return [
    ...problems,
    ...panels.unsupported.map((text) => ({
      dashboard: '',
      panel: text,
      expr: '',
      problem: 'the report cannot draw this kind of panel',
    })),
  ];
}
