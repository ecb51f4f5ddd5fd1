/**
 * Computes recording rules again, over the whole run, and stores the results beside the raw series under names of the judge's own. So the
 * series that the run recorded are never read, and a run can be judged by rules that it did not have.
 */
import type { Grid } from './alert-state.ts';
import type { MatrixSeries, PromApi } from './api.ts';
import { VerdictError } from './errors.ts';
import { renameMetrics } from './expression.ts';
import { exponentialHistogram } from './histogram.ts';
import { encodeWriteRequest, type WrittenSample, type WrittenSeries } from './remote-write.ts';
import type { RecordingRule, Rule, RuleSet } from './rules.ts';

const PREFIX = 'judged:';

/** The rule's expression with every recorded name replaced by the judge's. */
export function judgedExpression(rule: Rule, rules: RuleSet): string {
  return renameMetrics(rule.expression, (name) => judgedName(name, rules));
}

/** The judge's name for a recorded metric, null for any other. */
export function judgedName(name: string, rules: RuleSet): string | null {
  return rules.recordings.has(name) ? PREFIX + name : null;
}

const SAMPLES_PER_REQUEST = 20_000;

/** Evaluates and stores one recording rule at the moments of the grid; those it reads must have been stored before. */
export async function materialise(rule: RecordingRule, rules: RuleSet, grid: Grid, api: PromApi): Promise<void> {
  const results = await api.queryRange(judgedExpression(rule, rules), grid);
  await store(recorded(rule, results, grid), api);
}

/** Writes samples of any age, in requests of a size that Prometheus takes. */
export async function store(series: readonly WrittenSeries[], api: PromApi): Promise<void> {
  for (const batch of batches(series)) await api.write(encodeWriteRequest(batch));
}

/** The series that the rule's results become. Throws when two of them would be one, as Prometheus does. */
export function recorded(rule: RecordingRule, results: readonly MatrixSeries[], grid: Grid): WrittenSeries[] {
  const series = new Map<string, WrittenSeries>();
  for (const result of results) {
    const labels = withLabels(result.labels, { ...rule.labels, __name__: PREFIX + rule.name });
    const key = JSON.stringify(Object.entries(labels).sort());
    if (series.has(key)) {
      throw new VerdictError(
        'RESULT_UNSUPPORTED',
        `${rule.place}: two results of ${rule.name} become one series ${key}: keep the label that tells them apart`,
      );
    }
    series.set(key, { labels, samples: withStaleMarkers(result, grid) });
  }
  return [...series.values()];
}

/** A label that a rule sets to the empty string is removed. */
function withLabels(
  labels: Readonly<Record<string, string>>,
  set: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(Object.entries({ ...labels, ...set }).filter(([, value]) => value !== ''));
}

/**
 * Where a result ends, the series gets a stale marker at the next evaluation, exactly as Prometheus' rule manager does; without it
 * the last value would be seen for the five minutes of the look-back.
 */
function withStaleMarkers(result: MatrixSeries, grid: Grid): WrittenSample[] {
  const present: WrittenSample[] = [
    ...result.points.map(([timeMs, value]) => ({ timeMs, value })),
    ...result.histograms.map(([timeMs, histogram]) => ({ timeMs, histogram: exponentialHistogram(histogram) })),
  ];
  present.sort((a, b) => a.timeMs - b.timeMs);
  return present.flatMap((sample, i) => {
    const following = sample.timeMs + grid.stepMs;
    const ends = present[i + 1]?.timeMs !== following && following <= grid.toMs;
    const stale = 'histogram' in sample ? ('histogram' as const) : ('float' as const);
    return ends ? [sample, { timeMs: following, stale }] : [sample];
  });
}

function* batches(series: readonly WrittenSeries[]): Generator<WrittenSeries[]> {
  let batch: WrittenSeries[] = [];
  let size = 0;
  for (const { labels, samples } of series) {
    for (let start = 0; start < samples.length; start += SAMPLES_PER_REQUEST) {
      const part = samples.slice(start, start + SAMPLES_PER_REQUEST);
      batch.push({ labels, samples: part });
      size += part.length;
      if (size < SAMPLES_PER_REQUEST) continue;
      yield batch;
      [batch, size] = [[], 0];
    }
  }
  if (batch.length > 0) yield batch;
}
