/** What every benchmark has: it measures and prints figures, and decides nothing. */

/** One figure, beside the peer's where there is one. */
export interface Metric {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Who the figure is compared with, measured in the same run; null when there is none. */
  readonly peer: string | null;
  readonly peer_value: number | null;
  /** `value / peer_value`. */
  readonly ratio: number | null;
}

/** What `gameday bench NAME --json` prints. */
export interface BenchResult {
  readonly bench: string;
  readonly metrics: readonly Metric[];
  /** What a reader has to know: a part that was skipped and why, the machine. */
  readonly notes: readonly string[];
}

/** What the command line may ask of a benchmark that says it takes it. */
export interface BenchSettings {
  /** Names of metrics, to measure only those; everything when absent. */
  readonly only?: readonly string[];
  /** How many pairs of measurements each comparison is the median of. */
  readonly pairs?: number;
  /** Length of one measurement under load. */
  readonly seconds?: number;
  /** A directory for CPU profiles: they are made instead of measuring. */
  readonly profile?: string;
}

export interface BenchContext {
  /** The project's root. */
  readonly root: string;
  /** A directory of this run's own; what is left in it may be deleted. */
  readonly directory: string;
  /** Bears the marker by which `gameday down --all` finds the children of a benchmark that was killed. */
  readonly runId: string;
  readonly signal: AbortSignal;
  readonly onProgress: (what: string) => void;
  readonly settings: BenchSettings;
}

export interface Bench {
  readonly name: string;
  readonly summary: string;
  /** The metrics that `only` can name; a benchmark without them takes no settings. */
  readonly selectable?: readonly string[];
  run(context: BenchContext): Promise<BenchResult>;
}

export function alone(name: string, value: number, unit: string): Metric {
  return { name, value, unit, peer: null, peer_value: null, ratio: null };
}

export function beside(name: string, value: number, unit: string, peer: string, peerValue: number): Metric {
  return { name, value, unit, peer, peer_value: peerValue, ratio: value / peerValue };
}

/** Of at least one value; the mean of the middle two when their number is even. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
