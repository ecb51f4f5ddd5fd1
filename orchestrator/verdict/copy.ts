/**
 * Copies the raw series that rules read out of a Prometheus that is not ours, so that they can be judged as those of a run are: from a store
 * of our own, by the one evaluator. Everything goes through its query API, which Prometheus and what is compatible with it have.
 */
import type { MatrixSeries, NativeHistogram, PromApi } from './api.ts';
import { cadenceMs } from './cadence.ts';
import { formatDuration } from './duration.ts';
import { VerdictError } from './errors.ts';
import type { LabelMatcher, Selector } from './expression.ts';
import { type ForeignSelector, foreignSelector } from './foreign.ts';
import { type ExponentialHistogram, exponentialHistogram } from './histogram.ts';
import type { WrittenSample, WrittenSeries } from './remote-write.ts';
import type { Span } from './types.ts';

/** About 100 bytes each while they are copied. */
export const SAMPLES_MAX = 2_000_000;
/** In one answer; of native histograms each may be some kilobytes. */
const SAMPLES_PER_REQUEST = 50_000;

/** The scrapes of a target whose series were copied: `up`, under a name of its own, since rules may not read what they did not ask for. */
export const SCRAPES = 'gameday_observed_up';

export interface CopyOptions {
  readonly source: PromApi;
  readonly selectors: readonly Selector[];
  readonly matchers: readonly LabelMatcher[];
  /** The name of the system, which is the job of its nodes where nobody says another one. */
  readonly system: string;
  /** What is copied; both ends included. */
  readonly data: Span;
  readonly samplesMax?: number;
  readonly onProgress?: (line: string) => void;
}

export interface Copy {
  readonly series: readonly WrittenSeries[];
  /** Names of metrics of which there was any series. */
  readonly found: ReadonlySet<string>;
  readonly samples: number;
  /** The shortest time between two samples of one series; null when nothing was found. */
  readonly intervalMs: number | null;
  /** `job="kv-prod" is job="kv" here`, and which job is meant where a rule names none. */
  readonly renamed: readonly string[];
}

/** Throws VerdictError: SAMPLES_TOO_MANY, RESULT_UNSUPPORTED, and whatever the source answers. */
export async function copySeries(options: CopyOptions): Promise<Copy> {
  const copier = new Copier(options);
  for (const selector of options.selectors) await copier.add(selector);
  await copier.addScrapes();
  return copier.finish();
}

interface Copied {
  /** As they are there. */
  readonly foreign: Readonly<Record<string, string>>;
  /** As they are here. */
  readonly labels: Readonly<Record<string, string>>;
  readonly points: (readonly [number, number])[];
  readonly histograms: MatrixSeries['histograms'][number][];
}

class Copier {
  readonly #o: CopyOptions;
  /** By the labels that it has here. */
  readonly #series = new Map<string, Copied>();
  /** What was asked for, and the series that it found. */
  readonly #asked = new Map<string, { readonly selector: ForeignSelector; readonly keys: Set<string> }>();
  #samples = 0;

  constructor(options: CopyOptions) {
    this.#o = options;
  }

  async add(selector: Selector): Promise<void> {
    await this.#copy(foreignSelector(selector, this.#o.matchers, this.#o.system), selector.text);
  }

  /** When the targets of what was copied were scraped, whatever came of it: silence means something only then. */
  async addScrapes(): Promise<void> {
    const targets = new Map<string, Copied>();
    for (const series of this.#series.values()) {
      const { job, instance } = series.foreign;
      if (job !== undefined && instance !== undefined) targets.set(JSON.stringify([job, instance]), series);
    }
    const jobs = [...new Set([...targets.values()].map(({ foreign }) => foreign.job!))];
    if (jobs.length === 0) return;
    const wanted = `job=~${JSON.stringify(jobs.map(escapedRegex).join('|'))}`;
    const text = `{__name__="up", ${[wanted, ...this.#o.matchers.map((matcher) => matcher.text)].join(', ')}}`;
    const present = (foreign: Readonly<Record<string, string>>) =>
      targets.get(JSON.stringify([foreign.job, foreign.instance]));
    await this.#copy({ text, labels: {}, ofSystem: false }, text, (foreign) => {
      const target = present(foreign);
      if (target === undefined) return null;
      const { job, instance } = target.labels;
      return { ...foreign, __name__: SCRAPES, ...(job && { job }), ...(instance && { instance }) };
    });
  }

  async finish(): Promise<Copy> {
    const all = [...this.#series.values()];
    const cadences = all.flatMap(({ points, histograms }) => cadenceMs(timesOf(points, histograms)) ?? []);
    const intervalMs = cadences.length === 0 ? null : Math.min(...cadences);
    const stale = intervalMs === null ? new Map<string, number[]>() : await this.#staleMarkers(intervalMs);
    return {
      series: [...this.#series].map(([key, series]) => written(series, stale.get(key) ?? [])),
      found: new Set(all.map(({ labels }) => labels.__name__ ?? '')),
      samples: this.#samples,
      intervalMs,
      renamed: this.#renamed(),
    };
  }

  async #copy(
    selector: ForeignSelector,
    shown: string,
    labelsHere = (foreign: Readonly<Record<string, string>>): Record<string, string> | null => ({
      ...foreign,
      ...selector.labels,
    }),
  ): Promise<void> {
    const { source, data } = this.#o;
    const id = JSON.stringify(selector);
    if (this.#asked.has(id)) return;
    const keys = new Set<string>();
    this.#asked.set(id, { selector, keys });
    const samples = await this.#count(selector, shown);
    const pieces = Math.max(1, Math.ceil(samples / SAMPLES_PER_REQUEST));
    const known = new Set(this.#series.keys());
    const pieceMs = Math.ceil((data.to - data.from + 1) / pieces);
    for (let from = data.from - 1; samples > 0 && from < data.to; from += pieceMs) {
      const to = Math.min(from + pieceMs, data.to);
      for (const part of await source.samples(selector.text, to, to - from)) {
        const labels = labelsHere(part.labels);
        if (labels === null) continue;
        const key = keyOf(labels);
        keys.add(key);
        // Another selector has found it already, all of it.
        if (!known.has(key)) this.#append(key, labels, part);
        else this.#checkSame(key, part.labels);
      }
    }
  }

  /** How many samples the selector stands for. Throws rather than begin what the memory of this process, or of that one, cannot hold. */
  async #count(selector: ForeignSelector, shown: string): Promise<number> {
    const { source, data, samplesMax = SAMPLES_MAX } = this.#o;
    const rangeMs = data.to - data.from + 1;
    this.#o.onProgress?.(`copying ${shown}`);
    const narrow =
      'narrow it with --match, such as --match \'cluster="prod"\', or judge a shorter time with --since or --from and --to';
    try {
      const [counted] = await source.query(`sum(count_over_time(${selector.text}[${rangeMs}ms]))`, data.to);
      const samples = counted?.value ?? 0;
      if (this.#samples + samples > samplesMax)
        throw new VerdictError(
          'SAMPLES_TOO_MANY',
          `\`${shown}\` has ${samples} samples in ${formatDuration(rangeMs)}, with what comes before it ${this.#samples + samples}: more than the ${samplesMax} that are copied; ${narrow}`,
        );
      return samples;
    } catch (cause) {
      if (
        cause instanceof VerdictError &&
        cause.code === 'QUERY_FAILED' &&
        /too many|limit|exceed/i.test(cause.message)
      )
        throw new VerdictError(
          'SAMPLES_TOO_MANY',
          `Prometheus refuses to read \`${shown}\` over ${formatDuration(rangeMs)} (${cause.message}): ${narrow}`,
          { cause },
        );
      throw cause;
    }
  }

  #append(key: string, labels: Record<string, string>, part: MatrixSeries): void {
    const before = this.#series.get(key);
    const series = before ?? { foreign: part.labels, labels, points: [], histograms: [] };
    if (before === undefined) this.#series.set(key, series);
    else this.#checkSame(key, part.labels);
    for (const point of part.points) series.points.push(point);
    for (const histogram of part.histograms) series.histograms.push(histogram);
    this.#samples += part.points.length + part.histograms.length;
  }

  #checkSame(key: string, foreign: Readonly<Record<string, string>>): void {
    const other = this.#series.get(key);
    if (other === undefined || keyOf(other.foreign) === keyOf(foreign)) return;
    throw new VerdictError(
      'RESULT_UNSUPPORTED',
      `${shownLabels(other.foreign)} and ${shownLabels(foreign)} would be one series here, because --match stands in for a label of the rules: choose one of them with --match`,
    );
  }

  /**
   * Where series ended: the query API does not show stale markers, and without them the last value would be seen for five minutes more. So
   * the source is asked at which of the moments of evaluation it sees the series; where it does not, it has ended before.
   */
  async #staleMarkers(intervalMs: number): Promise<Map<string, number[]>> {
    const { source, data } = this.#o;
    const grid = { fromMs: Math.ceil(data.from / intervalMs) * intervalMs, toMs: data.to, stepMs: intervalMs };
    const markers = new Map<string, number[]>();
    for (const { selector, keys } of this.#asked.values()) {
      const holes = [...keys].flatMap((key) =>
        holesOf(this.#series.get(key)!, data.to, 1.5 * intervalMs).map((hole) => ({ key, hole })),
      );
      if (holes.length === 0) continue;
      const seen = new Map(
        (await source.queryRange(selector.text, grid)).map((series) => [
          keyOf(series.labels),
          new Set(timesOf(series.points, series.histograms)),
        ]),
      );
      for (const { key, hole } of holes) {
        const present = seen.get(keyOf(this.#series.get(key)!.foreign));
        const first = Math.max(grid.fromMs, Math.floor(hole.from / intervalMs + 1) * intervalMs);
        for (let moment = first; moment < hole.to; moment += intervalMs) {
          if (present?.has(moment)) continue;
          markers.set(key, [...new Set([...(markers.get(key) ?? []), moment])]);
          break;
        }
      }
    }
    return markers;
  }

  #renamed(): string[] {
    const sentences = [...this.#asked.values()].flatMap(({ selector }) =>
      Object.entries(selector.labels).map(([label, value]) => {
        const there = this.#o.matchers.filter((matcher) => matcher.label === label).map((matcher) => matcher.text);
        return `${there.join(', ')} is ${label}=${JSON.stringify(value)} here`;
      }),
    );
    const { system } = this.#o;
    const restricted = [...this.#asked.values()].some(({ selector }) => selector.ofSystem);
    const own = `where a rule names no job, job="${system}" is meant; --match 'job="…"' says another one`;
    return [...new Set(sentences), ...(restricted ? [own] : [])];
  }
}

function written({ labels, points, histograms }: Copied, stale: readonly number[]): WrittenSeries {
  const kind = histograms.length > 0 ? ('histogram' as const) : ('float' as const);
  const samples: WrittenSample[] = [
    ...points.map(([timeMs, value]) => ({ timeMs, value })),
    ...histograms.map(([timeMs, histogram]) => ({ timeMs, histogram: copiedHistogram(histogram, labels) })),
    ...stale.map((timeMs) => ({ timeMs, stale: kind })),
  ];
  return { labels, samples: samples.sort((a, b) => a.timeMs - b.timeMs) };
}

function copiedHistogram(histogram: NativeHistogram, labels: Copied['labels']): ExponentialHistogram {
  try {
    return exponentialHistogram(histogram);
  } catch (cause) {
    throw new VerdictError(
      'RESULT_UNSUPPORTED',
      `${shownLabels(labels)} is a native histogram with buckets of its own (not exponential ones), which cannot be copied: judge by the classic one`,
      { cause },
    );
  }
}

function timesOf(points: MatrixSeries['points'], histograms: MatrixSeries['histograms']): number[] {
  return [...points, ...histograms].map(([time]) => time).sort((a, b) => a - b);
}

/** Between two samples, or after the last, where they are further apart than `apartMs`. */
function holesOf({ points, histograms }: Copied, endMs: number, apartMs: number): Span[] {
  const times = [...timesOf(points, histograms), endMs + 1];
  return times.slice(1).flatMap((to, i) => (to - times[i]! > apartMs ? [{ from: times[i]!, to }] : []));
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function shownLabels({ __name__ = '', ...labels }: Readonly<Record<string, string>>): string {
  return `${__name__}{${Object.entries(labels)
    .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
    .join(', ')}}`;
}

function escapedRegex(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
