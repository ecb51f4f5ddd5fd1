/** The three kinds of panel that the dashboards and the report both draw, each with its title, description and unit. */
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import {
  BigValueColorMode,
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  LineInterpolation,
  ReduceDataOptionsBuilder,
  ScaleDistribution,
  ScaleDistributionConfigBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  FieldColorBuilder,
  FieldColorModeId,
  type Panel,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import {
  PanelBuilder as HeatmapBuilder,
  HeatmapColorMode,
  HeatmapColorOptionsBuilder,
  YAxisConfigBuilder,
} from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** What every panel's query is sent to: the data source chosen at the top of the dashboard. */
// biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana replaces it, not JavaScript.
export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

/** Label matchers for the processes of the system under test, as chosen at the top of the dashboard. */
export const NODES = 'job=~"$job",instance=~"$instance"';

/** Units by Grafana's own ids; the report formats exactly these. */
export type Unit = 's' | 'bytes' | 'Bps' | 'percentunit' | 'ops' | 'short' | 'none';

export interface Query {
  readonly expr: string;
  /** A Grafana legend: text with `{{label}}`. */
  readonly legend: string;
}

interface PanelText {
  readonly title: string;
  /** What a person who is woken up by it reads: what it shows, and what is bad. */
  readonly description: string;
  readonly unit: Unit;
}

export interface TimeseriesOptions extends PanelText {
  readonly queries: readonly Query[];
  /** Grid columns of 24; 12 unless given. */
  readonly width?: number;
  readonly min?: number;
  readonly max?: number;
  readonly stacked?: boolean;
  /** Values that hold until the next one (states, indices of a step function). */
  readonly steps?: boolean;
}

export interface StatOptions extends PanelText {
  readonly query: Query;
  readonly width?: number;
  readonly decimals?: number;
  /** Which value of the window is shown: the last one unless given. */
  readonly reduce?: 'lastNotNull' | 'max';
  /** Red from this value on (`above`) or under it (`below`); the tile stays uncoloured without. */
  readonly red?: { readonly above: number } | { readonly below: number };
}

export interface HeatmapOptions extends PanelText {
  /** A sum by `le` of a classic histogram's buckets. */
  readonly expr: string;
  readonly width?: number;
}

function query({ expr, legend }: Query, index: number): DataqueryBuilder {
  return new DataqueryBuilder()
    .datasource(DATASOURCE)
    .refId(String.fromCharCode(65 + index))
    .expr(expr)
    .legendFormat(legend)
    .range();
}

export function timeseries(o: TimeseriesOptions): cog.Builder<Panel> {
  const panel = new TimeseriesBuilder()
    .title(o.title)
    .description(o.description)
    .datasource(DATASOURCE)
    .unit(o.unit)
    .span(o.width ?? 12)
    .height(8)
    .targets(o.queries.map(query))
    .lineWidth(1.5)
    .fillOpacity(o.stacked === true ? 25 : 6)
    .showPoints(VisibilityMode.Never)
    .lineInterpolation(o.steps === true ? LineInterpolation.StepAfter : LineInterpolation.Linear)
    .stacking(new StackingConfigBuilder().mode(o.stacked === true ? StackingMode.Normal : StackingMode.None))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassic))
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs(['lastNotNull', 'max']),
    );
  // An objective is a limit and no measurement: dashed, as in the report.
  panel.overrideByRegexp('/^objective/', [
    { id: 'custom.lineStyle', value: { fill: 'dash', dash: [8, 6] } },
    { id: 'custom.fillOpacity', value: 0 },
    { id: 'color', value: { mode: 'fixed', fixedColor: 'text' } },
  ]);
  if (o.min !== undefined) panel.min(o.min);
  if (o.max !== undefined) panel.max(o.max);
  return panel;
}

function thresholdsOf(red: StatOptions['red']): ThresholdsConfigBuilder {
  const steps =
    red === undefined
      ? [{ value: null, color: 'text' }]
      : 'above' in red
        ? [
            { value: null, color: 'green' },
            { value: red.above, color: 'red' },
          ]
        : [
            { value: null, color: 'red' },
            { value: red.below, color: 'green' },
          ];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

export function stat(o: StatOptions): cog.Builder<Panel> {
  const panel = new StatBuilder()
    .title(o.title)
    .description(o.description)
    .datasource(DATASOURCE)
    .unit(o.unit)
    .span(o.width ?? 4)
    .height(4)
    .targets([query(o.query, 0)])
    .reduceOptions(new ReduceDataOptionsBuilder().values(false).calcs([o.reduce ?? 'lastNotNull']))
    .graphMode(BigValueGraphMode.Area)
    .colorMode(o.red === undefined ? BigValueColorMode.None : BigValueColorMode.Value)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .thresholds(thresholdsOf(o.red));
  if (o.decimals !== undefined) panel.decimals(o.decimals);
  return panel;
}

export function heatmap(o: HeatmapOptions): cog.Builder<Panel> {
  return new HeatmapBuilder()
    .title(o.title)
    .description(o.description)
    .datasource(DATASOURCE)
    .unit('short')
    .span(o.width ?? 12)
    .height(8)
    .withTarget(query({ expr: o.expr, legend: '{{le}}' }, 0).format(PromQueryFormat.Heatmap))
    .calculate(false)
    .color(new HeatmapColorOptionsBuilder().mode(HeatmapColorMode.Scheme).scheme('Oranges').steps(64))
    .yAxis(new YAxisConfigBuilder().unit(o.unit))
    .scaleDistribution(new ScaleDistributionConfigBuilder().type(ScaleDistribution.Linear));
}

/** The same on every dashboard of a system. */
export function timeSinceStart(): cog.Builder<Panel> {
  return timeseries({
    title: 'Time since start',
    description: 'Age of each process: a line that falls to 0 is a restart.',
    unit: 's',
    min: 0,
    queries: [{ expr: `time() - process_start_time_seconds{${NODES}}`, legend: 'node {{node}}' }],
  });
}
