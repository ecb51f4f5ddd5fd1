/** What the page hands to its own script. Times are epoch seconds, as uPlot wants them. */

export interface ChartSeries {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

export interface ChartData {
  readonly kind: 'timeseries' | 'heatmap';
  readonly unit: string;
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  readonly stacked: boolean;
  readonly steps: boolean;
  /** Of a heatmap: one for each bucket, lowest first. */
  readonly series: readonly ChartSeries[];
}

export interface Mark {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export interface PageData {
  /** Start of the load: the zero of the axes. */
  readonly origin: number;
  readonly times: readonly number[];
  readonly faults: readonly Mark[];
  readonly phases: readonly Mark[];
  readonly firing: readonly Mark[];
  readonly charts: Readonly<Record<string, ChartData>>;
}
