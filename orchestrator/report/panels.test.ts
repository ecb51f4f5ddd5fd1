import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { parser } from '@prometheus-io/lezer-promql';
import type { Grid } from '../verdict/alert-state.ts';
import type { MatrixSeries } from '../verdict/api.ts';
import { loadDashboards, parseDashboard } from './dashboards.ts';
import { KNOWN_UNITS } from './format.ts';
import { checkPanels, collectFiring, collectPanels, windowOf } from './panels.ts';
import { START, SyntheticQueries } from './testdata/synthetic.ts';

const FILES = ['overview', 'kv', 'faults'].map((name) =>
  fileURLToPath(new URL(`../../grafana/dashboards/${name}.json`, import.meta.url)),
);
const WINDOW = windowOf(START, START + 10_000);

/** Answers with the same series to every query; remembers what it was asked. */
class FixedQueries {
  readonly asked: string[] = [];
  readonly #series: readonly { labels: Record<string, string>; points: [number, number][] }[];
  constructor(series: readonly { labels: Record<string, string>; points: [number, number][] }[]) {
    this.#series = series;
  }
  async queryRange(expr: string, _grid: Grid): Promise<MatrixSeries[]> {
    this.asked.push(expr);
    if (expr.includes('refused')) throw new Error('parse error: unexpected end of input');
    return this.#series.map((series) => ({ ...series, histograms: [] }));
  }
}

function dashboardOf(...panels: object[]) {
  return parseDashboard(
    JSON.stringify({ uid: 'd', title: 'D', panels: [{ type: 'row', title: 'R' }, ...panels] }),
    'd.json',
  );
}

const timeseries = (...exprs: string[]) => ({
  type: 'timeseries',
  title: 'T',
  targets: exprs.map((expr) => ({ expr, legendFormat: '{{a}}' })),
});

describe('the window', () => {
  test('has a point for each scrape of a short run', () => {
    expect(windowOf(0, 60_000)).toEqual({ from: 0, to: 60_000, stepMs: 1000, scrapeIntervalMs: 1000 });
  });

  test('has at most 600 points however long the run', () => {
    const day = windowOf(0, 86_400_000, 15_000);
    expect(day.stepMs % 15_000).toBe(0);
    expect((day.to - day.from) / day.stepMs).toBeLessThanOrEqual(600);
  });
});

describe('collecting', () => {
  test('puts samples on the grid, gaps and NaN are null', async () => {
    const api = new FixedQueries([
      {
        labels: { a: 'x' },
        points: [
          [START, 1],
          [START + 2000, 3],
          [START + 3000, Number.NaN],
        ],
      },
    ]);
    const { dashboards, times } = await collectPanels([dashboardOf(timeseries('up'))], api, WINDOW);
    const panel = dashboards[0]?.rows[0]?.panels[0];
    expect(times).toHaveLength(11);
    expect(panel?.series[0]?.name).toBe('x');
    expect(panel?.series[0]?.values.slice(0, 5)).toEqual([1, null, 3, null, null]);
  });

  test('a query that fails is an error of its panel, the others are drawn', async () => {
    const api = new FixedQueries([{ labels: {}, points: [[START, 1]] }]);
    const { dashboards } = await collectPanels([dashboardOf(timeseries('refused', 'up'))], api, WINDOW);
    const panel = dashboards[0]?.rows[0]?.panels[0];
    expect(panel?.errors).toEqual(['parse error: unexpected end of input']);
    expect(panel?.series).toHaveLength(1);
  });

  test('a heatmap shows what is between two bounds, lowest first, without the empty rows far from the data', async () => {
    const bucket = (le: string, value: number) => ({ labels: { le }, points: [[START, value]] as [number, number][] });
    const api = new FixedQueries([
      bucket('+Inf', 5),
      bucket('0.1', 2),
      bucket('1', 5),
      bucket('0.01', 0),
      bucket('0.001', 0),
      bucket('10', 5),
    ]);
    const panel = {
      type: 'heatmap',
      title: 'H',
      targets: [{ expr: 'b', legendFormat: '{{le}}' }],
      options: { yAxis: { unit: 's' } },
    };
    const { dashboards } = await collectPanels([dashboardOf(panel)], api, WINDOW);
    const series = dashboards[0]?.rows[0]?.panels[0]?.series ?? [];
    expect(series.map(({ name, values }) => [name, values[0]])).toEqual([
      ['0.01', 0],
      ['0.1', 2],
      ['1', 3],
      ['10', 0],
    ]);
  });

  test('panels of other kinds are listed', async () => {
    const { unsupported } = await collectPanels(
      [dashboardOf({ type: 'piechart', title: 'P' })],
      new FixedQueries([]),
      WINDOW,
    );
    expect(unsupported).toEqual(['D: "P" is a piechart']);
  });

  test('a pause in ALERTS is two intervals', async () => {
    const points = [1, 2, 3, 7, 8].map((second) => [START + second * 1000, 1] as [number, number]);
    const firing = await collectFiring(
      new FixedQueries([{ labels: { alertname: 'A', severity: 'critical' }, points }]),
      WINDOW,
    );
    expect(firing.map(({ from, to }) => [from - START, to - START])).toEqual([
      [1000, 3000],
      [7000, 8000],
    ]);
  });
});

describe('checking', () => {
  test('names each query that fails or has no data', async () => {
    const dashboard = dashboardOf(timeseries('refused', 'up'), { type: 'piechart', title: 'P' });
    const problems = await checkPanels([dashboard], new FixedQueries([]), WINDOW);
    expect(problems.map(({ expr, problem }) => [expr, problem])).toEqual([
      ['refused', 'parse error: unexpected end of input'],
      ['up', 'returned no data'],
      ['', 'the report cannot draw this kind of panel'],
    ]);
  });
});

describe('the dashboards of the project', () => {
  test('have only panels and units that the report draws, and queries that parse', async () => {
    const dashboards = await loadDashboards(FILES);
    const api = new FixedQueries([]);
    const panels = await collectPanels(dashboards, api, WINDOW);
    expect(panels.unsupported).toEqual([]);
    const all = panels.dashboards.flatMap((dashboard) => dashboard.rows.flatMap((row) => row.panels));
    for (const panel of all) expect(KNOWN_UNITS).toContain(panel.unit);
    for (const expr of api.asked) {
      expect(expr).not.toMatch(/\$/);
      const errors: number[] = [];
      parser.parse(expr).iterate({ enter: (node) => void (node.type.isError && errors.push(node.from)) });
      expect({ expr, errors }).toEqual({ expr, errors: [] });
    }
  });

  test('have an answer for every panel in the synthetic run', async () => {
    expect(
      await checkPanels(await loadDashboards(FILES), new SyntheticQueries(), windowOf(START, START + 70_000)),
    ).toEqual([]);
  });
});
