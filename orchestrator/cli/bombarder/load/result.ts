/** What a load came to: from k6's summary and its history to figures, and from these to lines for a person. Pure. */
import { parseLoadSummary } from '../../../report/load-summary.ts';
import type { Colors } from '../../terminal.ts';

export interface LoadResult {
  readonly planned: number;
  /** Operations that ended, with whatever result. */
  readonly operations: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly success_rate: number;
  /** From the start of the first operation to the end of the last. */
  readonly seconds: number;
  readonly operations_per_second: number;
  /** Of whole operations, retries included. Null when none ended. */
  readonly latency_ms: Readonly<Record<'p50' | 'p95' | 'p99' | 'max', number>> | null;
  /** Single requests by outcome; those that never happened are left out. */
  readonly attempts: Readonly<Record<string, number>>;
  /** Acknowledged writes that were looked for and not found, and creates that were executed twice. */
  readonly stale_reads: number;
  readonly duplicate_writes: number;
}

/** Undefined when the text is not a summary that k6 wrote. `seconds` as measured. */
export function loadResult(summary: string, planned: number, seconds: number): LoadResult | undefined {
  const parsed = parseLoadSummary(summary);
  if (parsed === null) return undefined;
  const values = new Map(parsed.metrics.map((metric) => [metric.name, metric.values]));
  const count = (name: string) => values.get(name)?.count ?? 0;
  const succeeded = count('operations{outcome:ok}');
  const failed = count('operations{outcome:failed}');
  const trend = values.get('operation_duration');
  const attempts = parsed.metrics.flatMap(({ name, values: { count: times = 0 } }) => {
    const outcome = /^attempts\{outcome:(\w+)\}$/.exec(name)?.[1];
    return outcome !== undefined && times > 0 ? [[outcome, times] as const] : [];
  });
  const operations = succeeded + failed;
  return {
    ...{ planned, operations, succeeded, failed, success_rate: succeeded / planned, seconds: rounded(seconds) },
    operations_per_second: seconds > 0 ? rounded(operations / seconds) : 0,
    latency_ms: trend === undefined || operations === 0 ? null : latency(trend),
    attempts: Object.fromEntries(attempts.sort(([, a], [, b]) => b - a)),
    stale_reads: count('stale_reads'),
    duplicate_writes: count('duplicate_writes'),
  };
}

function latency(trend: Readonly<Record<string, number>>): NonNullable<LoadResult['latency_ms']> {
  const of = (name: string) => rounded(trend[name] ?? Number.NaN);
  return { p50: of('med'), p95: of('p(95)'), p99: of('p(99)'), max: of('max') };
}

/** To a thousandth: more digits would claim what was not measured. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Seconds from the first start to the last end in a history; undefined when it has none. `lines` as k6 wrote them. */
export function historySeconds(lines: Iterable<string>): number | undefined {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const line of lines) {
    const { start, end, process } = parsed(line);
    // Process 0 is the preparation, before the load.
    if (start === undefined || process === 0) continue;
    first = Math.min(first, start);
    last = Math.max(last, end ?? start);
  }
  return last > first ? (last - first) / 1000 : undefined;
}

function parsed(line: string): { readonly start?: number; readonly end?: number | null; readonly process?: number } {
  try {
    return JSON.parse(line) as ReturnType<typeof parsed>;
  } catch {
    return {};
  }
}

/** Everything as it should be: each planned operation ended well, and nothing that was looked for was missing. */
export function isClean({ planned, succeeded, stale_reads, duplicate_writes }: LoadResult): boolean {
  return succeeded === planned && stale_reads === 0 && duplicate_writes === 0;
}

export function resultLines(result: LoadResult, colors: Colors): string[] {
  const { planned, succeeded, seconds, operations_per_second: rate, latency_ms: latency, attempts } = result;
  const requests = Object.values(attempts).reduce((sum, times) => sum + times, 0);
  const outcomes = Object.entries(attempts).map(([outcome, times]) => `${times} ${outcome}`);
  const share = `${percent(succeeded, planned)} succeeded`;
  const faults = [
    ...(result.stale_reads > 0
      ? [`${result.stale_reads} acknowledged writes were not found when they were looked for`]
      : []),
    ...(result.duplicate_writes > 0 ? [`${result.duplicate_writes} creates were executed twice`] : []),
  ];
  return [
    row('operations', `${succeeded} of ${planned}, ${(succeeded === planned ? colors.green : colors.red)(share)}`),
    row('throughput', `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} operations/s over ${seconds.toFixed(1)} s`),
    ...(latency === null
      ? []
      : [
          row(
            'latency',
            (['p50', 'p95', 'p99', 'max'] as const).map((name) => `${name} ${milliseconds(latency[name])}`).join('   '),
          ),
        ]),
    row('attempts', `${requests}: ${outcomes.join(', ')}`),
    ...faults.map((text) => row('', colors.red(`✘ ${text}`))),
  ];
}

export function row(name: string, text: string): string {
  return `${name.padEnd(12)} ${text}`;
}

/** Never rounds up to 100. */
function percent(part: number, whole: number): string {
  return part === whole ? '100 %' : `${(Math.floor((part / whole) * 10_000) / 100).toFixed(2)} %`;
}

function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;
}
