/** One panel as a uPlot chart, with its legend and the marks of the run. */
import type uPlotType from 'uplot';
import { formatOffset, formatValue } from '../format.ts';
import type { ChartData, PageData } from '../page/data.ts';
import { bucketLabel, drawCells, mostOf } from './heatmap.ts';
import { createLegend, type Legend } from './legend.ts';
import { drawFaults, drawPhasesAndAlerts } from './marks.ts';
import { color } from './theme.ts';

/** uPlot's script stands before this one in the page. */
declare const uPlot: typeof uPlotType;

export interface Chart {
  /** To the width of its frame, in CSS pixels; made at the first time. */
  fit(width: number): void;
  /** With the colours of the page as they are now. */
  repaint(): void;
  zoom(from: number, to: number): void;
}

const HEIGHT = 190;
const PALETTE = ['series-1', 'series-2', 'series-3', 'series-4', 'series-5', 'series-6', 'series-7', 'series-8'];
/** A line named so is a limit and no measurement: dashed, and in no colour of its own. */
const OBJECTIVE = /^objective/;
const SYNC = 'gameday';
const POWERS_OF_TWO = Array.from({ length: 52 }, (_, power) => 2 ** power);
const WHOLE_NUMBERS = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

function colorsOf(panel: ChartData): string[] {
  let next = 0;
  return panel.series.map(({ name }) =>
    OBJECTIVE.test(name) ? 'muted' : (PALETTE[next++ % PALETTE.length] ?? 'muted'),
  );
}

/** Stacked series hold their own value plus those below them; a gap counts as nothing. */
function stackedValues(panel: ChartData, hidden: ReadonlySet<number>): (number | null)[][] {
  const sums: number[] = [];
  return panel.series.map(({ values }, row) =>
    values.map((value, index) => {
      if (hidden.has(row)) return null;
      sums[index] = (sums[index] ?? 0) + (value ?? 0);
      return value === null ? null : (sums[index] ?? null);
    }),
  );
}

function valuesOf(panel: ChartData, data: PageData, hidden: ReadonlySet<number>): uPlotType.AlignedData {
  if (panel.kind === 'heatmap') return [[...data.times], data.times.map(() => null)];
  const rows = panel.stacked ? stackedValues(panel, hidden) : panel.series.map(({ values }) => [...values]);
  return [[...data.times], ...rows];
}

/** Between a stacked series and the one below it; without, each fill would reach down to zero and cover the others. */
function bandsOf(panel: ChartData): uPlotType.Band[] {
  return panel.series.slice(1).map((_, index) => ({ series: [index + 2, index + 1] }));
}

/** The panel's own limits where it has any; else the data's, with a little room, and never a range of nothing. */
function yRange(panel: ChartData): uPlotType.Scale.Range {
  if (panel.kind === 'heatmap') return [0, panel.series.length];
  return (_, low, high) => {
    const bottom = panel.min ?? low ?? 0;
    const top = panel.max ?? high ?? 1;
    if (panel.max === 1 && panel.min === undefined) return [Math.min(bottom, 0.98) - 0.002, 1.002];
    const room = (top - bottom || Math.abs(top) || 1) * 0.08;
    return [panel.min === undefined ? bottom - room : bottom, top + room];
  };
}

function seriesOf(panel: ChartData, colors: readonly string[]): uPlotType.Series[] {
  if (panel.kind === 'heatmap') return [{}, { show: true, points: { show: false } }];
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  const lines = panel.series.map(({ name }, index): uPlotType.Series => {
    const dashed = OBJECTIVE.test(name);
    return {
      label: name,
      stroke: () => color(colors[index] ?? 'muted'),
      width: dashed ? 1 : 1.5,
      ...(dashed ? { dash: [6, 4] } : {}),
      ...(panel.stacked
        ? {
            fill: () =>
              color(colors[index] ?? 'muted')
                .replace('rgb(', 'rgba(')
                .replace(')', ', 0.3)'),
          }
        : {}),
      ...(panel.steps && stepped !== undefined ? { paths: stepped } : {}),
      // A sample between two gaps has no line that would show it.
      points: {
        show: (_, series, first, last) => isLonely(panel.series[series - 1]?.values ?? [], first, last),
        size: 4,
      },
      spanGaps: false,
    };
  });
  return [{}, ...lines];
}

function isLonely(values: readonly (number | null)[], first: number, last: number): boolean {
  for (let index = first; index <= last; index += 1) {
    if (values[index] != null && values[index - 1] == null && values[index + 1] == null) return true;
  }
  return false;
}

/** Half a node cannot be up, and mebibytes are round in powers of two. */
function incrementsOf(panel: ChartData): { incrs?: number[] } {
  if (panel.steps) return { incrs: WHOLE_NUMBERS };
  return panel.unit === 'bytes' || panel.unit === 'Bps' ? { incrs: POWERS_OF_TWO } : {};
}

function axesOf(panel: ChartData, data: PageData): uPlotType.Axis[] {
  const line = { stroke: () => color('muted'), font: '11px system-ui, sans-serif' };
  const grid = { stroke: () => color('grid'), width: 1 };
  const ticks = { show: false };
  const x = (_: uPlotType, splits: number[]) => splits.map((time) => formatOffset((time - data.origin) * 1000));
  const increments = incrementsOf(panel);
  const y =
    panel.kind === 'heatmap'
      ? {
          values: (_: uPlotType, splits: number[]) => splits.map((middle) => bucketLabel(panel, Math.floor(middle))),
          splits: () => bucketSplits(panel),
        }
      : {
          values: (_: uPlotType, splits: number[]) => splits.map((value) => formatValue(value, panel.unit)),
          ...increments,
        };
  return [
    // Round distances from the start of the load, not from the hour.
    { ...line, grid, ticks, values: x, splits: (_, __, from, to) => timeSplits(from, to, data.origin), size: 24 },
    { ...line, grid, ticks, ...y, size: 66, gap: 4 },
  ];
}

function timeSplits(from: number, to: number, origin: number): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600];
  const step = steps.find((candidate) => (to - from) / candidate <= 7) ?? 43_200;
  const splits: number[] = [];
  for (let time = origin + Math.ceil((from - origin) / step) * step; time <= to; time += step) splits.push(time);
  return splits;
}

/** At most eight labels, each in the middle of its row. */
function bucketSplits(panel: ChartData): number[] {
  const every = Math.ceil(panel.series.length / 8);
  return panel.series.map((_, row) => row + 0.5).filter((_, row) => row % every === 0);
}

export function createChart(
  host: HTMLElement,
  legendHost: HTMLElement | null,
  panel: ChartData,
  data: PageData,
  zoomed: (from: number, to: number) => void,
): Chart {
  const colors = colorsOf(panel);
  const hidden = new Set<number>();
  let plot: uPlotType | null = null;
  let legend: Legend | null = null;

  const seeEverything = () => {
    zoomed(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    return null;
  };

  const make = (width: number): uPlotType =>
    new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        padding: [8, 10, 0, 0],
        cursor: {
          sync: { key: SYNC, scales: ['x', null] },
          drag: { x: true, y: false, setScale: false },
          points: { show: panel.kind !== 'heatmap', size: 5 },
          y: false,
          bind: { dblclick: () => seeEverything },
        },
        scales: { x: { time: false }, y: { range: yRange(panel) } },
        series: seriesOf(panel, colors),
        axes: axesOf(panel, data),
        ...(panel.stacked ? { bands: bandsOf(panel) } : {}),
        hooks: {
          drawClear: [(chart) => drawFaults(chart, data)],
          drawSeries: panel.kind === 'heatmap' ? [(chart) => drawCells(chart, panel, data)] : [],
          draw: [(chart) => drawPhasesAndAlerts(chart, data)],
          setCursor: [
            (chart) =>
              legend?.at(
                chart.cursor.idx ?? null,
                chart.cursor.idx == null ? null : (data.times[chart.cursor.idx] ?? null),
              ),
          ],
          setSelect: [
            (chart) => {
              if (chart.select.width > 4)
                zoomed(
                  chart.posToVal(chart.select.left, 'x'),
                  chart.posToVal(chart.select.left + chart.select.width, 'x'),
                );
              chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            },
          ],
        },
      },
      valuesOf(panel, data, hidden),
      host,
    );

  const toggle = (index: number, shown: boolean) => {
    if (shown) hidden.delete(index);
    else hidden.add(index);
    plot?.setSeries(index + 1, { show: shown });
    if (panel.stacked) plot?.setData(valuesOf(panel, data, hidden), false);
    plot?.redraw();
  };

  return {
    fit(width) {
      if (plot !== null) return plot.setSize({ width, height: HEIGHT });
      plot = make(width);
      if (legendHost === null) return;
      if (panel.kind === 'heatmap') legendHost.textContent = `Darkest cell: ${formatValue(mostOf(panel), 'ops')}`;
      else legend = createLegend(legendHost, panel, data.origin, colors, toggle);
    },
    repaint() {
      plot?.redraw(false, true);
    },
    zoom(from, to) {
      plot?.setScale('x', { min: from, max: to });
    },
  };
}
