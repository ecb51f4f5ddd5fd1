/** Turns a native histogram of a query's answer back into the one that was stored, for a recording rule that yields histograms. */
import type { HistogramBucket, NativeHistogram } from './api.ts';
import { parseValue } from './api.ts';
import { VerdictError } from './errors.ts';

interface BucketSpan {
  readonly offset: number;
  readonly length: number;
}

/** Bucket i covers (base^(i−1), base^i] with base = 2^(2^−schema). Counts are absolute and may be fractions (a float histogram). */
export interface ExponentialHistogram {
  readonly schema: number;
  readonly count: number;
  readonly sum: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positiveSpans: readonly BucketSpan[];
  readonly positiveCounts: readonly number[];
  readonly negativeSpans: readonly BucketSpan[];
  readonly negativeCounts: readonly number[];
}

/** The finest schema that there is: what an empty histogram gets, since merging reduces to the coarser one. */
const SCHEMA_MAX = 8;
const SCHEMA_MIN = -4;
/** Prometheus' default width of the zero bucket, for a histogram that shows none. */
const ZERO_THRESHOLD = 2 ** -128;

/** Throws VerdictError RESULT_UNSUPPORTED for buckets of other than exponential widths. */
export function exponentialHistogram(histogram: NativeHistogram): ExponentialHistogram {
  const buckets = (histogram.buckets ?? []).map(parseBucket);
  const zero = buckets.find((bucket) => bucket.zero);
  const positive = buckets.filter((bucket) => !bucket.zero && !bucket.negative);
  const negative = buckets.filter((bucket) => !bucket.zero && bucket.negative).reverse();
  const schema = schemaOf([...positive, ...negative]);
  return {
    schema,
    count: parseValue(histogram.count),
    sum: parseValue(histogram.sum),
    zeroThreshold: zero?.far ?? ZERO_THRESHOLD,
    zeroCount: zero?.count ?? 0,
    positiveSpans: spansOf(positive, schema),
    positiveCounts: positive.map((bucket) => bucket.count),
    negativeSpans: spansOf(negative, schema),
    negativeCounts: negative.map((bucket) => bucket.count),
  };
}

interface Bucket {
  /** Edges by their distance from zero. */
  readonly near: number;
  readonly far: number;
  readonly count: number;
  readonly negative: boolean;
  readonly zero: boolean;
}

function parseBucket([inclusion, leftText, rightText, countText]: HistogramBucket): Bucket {
  const [left, right, count] = [parseValue(leftText), parseValue(rightText), parseValue(countText)];
  // The zero bucket includes both of its edges and lies around zero.
  if (inclusion === 3 && left === -right) return { near: 0, far: right, count, negative: false, zero: true };
  const negative = left < 0;
  return { near: negative ? -right : left, far: negative ? -left : right, count, negative, zero: false };
}

function schemaOf(buckets: readonly Bucket[]): number {
  const [first] = buckets;
  if (first === undefined) return SCHEMA_MAX;
  const exact = -Math.log2(Math.log2(first.far / first.near));
  const schema = Math.round(exact);
  const exponential = Math.abs(exact - schema) < 0.01 && buckets.every((bucket) => isEdge(bucket.near, schema));
  if (exponential && schema >= SCHEMA_MIN && schema <= SCHEMA_MAX) return schema;
  throw new VerdictError(
    'RESULT_UNSUPPORTED',
    `a recording rule yields a histogram with a bucket from ${first.near} to ${first.far}: only exponential native histograms can be recomputed; record the quantile instead`,
  );
}

function isEdge(edge: number, schema: number): boolean {
  const index = Math.log2(edge) * 2 ** schema;
  return Math.abs(index - Math.round(index)) < 1e-3;
}

/** Buckets nearest to zero first. */
function spansOf(buckets: readonly Bucket[], schema: number): BucketSpan[] {
  const spans: { offset: number; length: number }[] = [];
  let next = 0;
  for (const bucket of buckets) {
    const index = Math.round(Math.log2(bucket.near) * 2 ** schema) + 1;
    const last = spans.at(-1);
    if (last !== undefined && index === next) last.length += 1;
    else spans.push({ offset: index - next, length: 1 });
    next = index + 1;
  }
  return spans;
}
