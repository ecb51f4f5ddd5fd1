/**
 * Judges a run of a minute as if it had lasted hours or days, by rules as they are. Rules on an error budget look at windows of up to three
 * days; a drill has a minute. So the samples that the run has really stored are moved apart: each keeps its value, and its time is multiplied, counted
 * back from the end of the judged window (into the past, since Prometheus takes no samples from the future). Recording rules, `for` and alerts are then
 * evaluated over the stretched samples at their own, unchanged interval.
 *
 * What that keeps and what it does not: a rate becomes `factor` times smaller, and a ratio of two rates over one window stays what it
 * was, because both lose the same factor. So only rules that compare ratios (or raw counters) mean the same; a rule on a rate or a
 * latency must not be stretched. Where a value would be looked up at a moment, between two samples that are now minutes apart, nothing
 * says whether the series was still there: such a rule is refused, raw series may be read by ranges only.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_FILES } from '../run/record.ts';
import type { MatrixSeries, PromApi } from './api.ts';
import { formatDuration } from './duration.ts';
import { VerdictError } from './errors.ts';
import { selectorsOf } from './expression.ts';
import { exponentialHistogram } from './histogram.ts';
import { store } from './materialise.ts';
import { judgeConfiguration, startPrometheus } from './prometheus.ts';
import type { WrittenSample, WrittenSeries } from './remote-write.ts';
import { type AlertingRule, dependencies, type Rule, type RuleSet } from './rules.ts';
import type { StoredOptions } from './stored.ts';
import type { CriterionResult, Interval, Span } from './types.ts';

/** Between the run's time and virtual time; both in epoch milliseconds. */
export class Stretch {
  readonly factor: number;
  readonly #anchorMs: number;

  /** @param anchorMs the moment that is the same in both: the end of the judged window */
  constructor(factor: number, anchorMs: number) {
    this.factor = factor;
    this.#anchorMs = anchorMs;
  }

  time(ms: number): number {
    return this.#anchorMs - (this.#anchorMs - ms) * this.factor;
  }

  span<S extends Span>(span: S): S {
    return { ...span, from: this.time(span.from), to: this.time(span.to) };
  }

  /** From virtual time to the run's, to the millisecond. */
  undone(ms: number): number {
    return Math.round(this.#anchorMs - (this.#anchorMs - ms) / this.factor);
  }

  /** The result at the run's own times, so that a report can draw it; lengths in its reason stay virtual, and it says so. */
  result(virtual: CriterionResult, window: Span): CriterionResult {
    const undone = (intervals: readonly Interval[]) =>
      intervals.map((interval) => ({ ...interval, from: this.undone(interval.from), to: this.undone(interval.to) }));
    return {
      ...virtual,
      stretch: this.factor,
      reason: `${virtual.reason} (1 s of the run counts as ${formatDuration(1000 * this.factor)})`,
      window,
      pending: undone(virtual.pending),
      firing: undone(virtual.firing),
    };
  }

  /** The series as they would be, had everything taken `factor` times as long. */
  series(series: readonly MatrixSeries[]): WrittenSeries[] {
    return series.map(({ labels, points, histograms }) => {
      const samples: WrittenSample[] = [
        ...points.map(([timeMs, value]) => ({ timeMs: this.time(timeMs), value })),
        ...histograms.map(([timeMs, histogram]) => ({
          timeMs: this.time(timeMs),
          histogram: exponentialHistogram(histogram),
        })),
      ];
      return { labels, samples: samples.sort((a, b) => a.timeMs - b.timeMs) };
    });
  }
}

/** Selectors of the raw series that the rule is computed from. Throws EXPRESSION_UNSUPPORTED for one that is read at a moment. */
export function stretchableSelectors(rule: AlertingRule, rules: RuleSet): string[] {
  return [...dependencies(rule, rules), rule].flatMap((part) => rawSelectors(part, rules));
}

function rawSelectors(rule: Rule, rules: RuleSet): string[] {
  const raw = selectorsOf(rule.expression).filter(({ name }) => name === null || !rules.recordings.has(name));
  const instant = raw.find(({ range }) => range === '');
  if (instant !== undefined)
    throw new VerdictError(
      'EXPRESSION_UNSUPPORTED',
      `${rule.place}: ${rule.name} reads \`${instant.text}\` at a moment: with \`stretch\` raw series can be read by ranges only, judge it without`,
    );
  return raw.map(({ text }) => text);
}

/** Runs `work` on a Prometheus that holds what the selectors find in `from`, stretched; afterwards nothing of it is left. */
export async function withStretchedSeries<T>(
  from: PromApi,
  data: Span,
  selectors: readonly string[],
  stretch: Stretch,
  options: StoredOptions,
  work: (api: PromApi) => Promise<T>,
): Promise<T> {
  const found = new Map<string, MatrixSeries>();
  for (const selector of new Set(selectors)) {
    // Several selectors may find one series; written twice it would be refused.
    for (const series of await from.samples(selector, data.to, data.to - data.from))
      found.set(JSON.stringify(Object.entries(series.labels).sort()), series);
  }
  const directory = await mkdtemp(join(options.runDirectory, '.stretch-'));
  try {
    const configFile = join(directory, 'prometheus.yml');
    await writeFile(configFile, judgeConfiguration());
    const prometheus = await startPrometheus({
      ...{ binary: options.binary, configFile, directory: join(directory, 'tsdb'), mode: 'judge' as const },
      logFile: join(options.runDirectory, RUN_FILES.logs, `${options.name}-${stretch.factor}.log`),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      ...(options.environment === undefined ? {} : { environment: options.environment }),
      ...(options.onProcess === undefined ? {} : { onProcess: options.onProcess }),
    });
    try {
      await store(stretch.series([...found.values()]), prometheus.api);
      return await work(prometheus.api);
    } finally {
      await prometheus.stop(0);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
