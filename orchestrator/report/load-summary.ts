/** What k6 itself says at its end (`k6-summary.json`), in one shape for the report. */

export interface LoadMetric {
  readonly name: string;
  readonly type: string;
  /** `time` when the values are milliseconds. */
  readonly contains: string;
  readonly values: Readonly<Record<string, number>>;
}

export interface LoadThreshold {
  readonly metric: string;
  readonly expression: string;
  readonly ok: boolean;
}

export interface LoadSummary {
  readonly metrics: readonly LoadMetric[];
  readonly thresholds: readonly LoadThreshold[];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function numbersOf(value: Record<string, unknown>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number'),
  );
}

/** A trend has quantiles, a counter `count`, a rate `passes` or `rate` alone, a gauge `value`. */
function typeOf(values: Readonly<Record<string, number>>): string {
  if ('med' in values || 'avg' in values) return 'trend';
  if ('count' in values) return 'counter';
  return 'passes' in values || 'rate' in values ? 'rate' : 'gauge';
}

/**
 * `{ ok }` a threshold of handleSummary's data. The file of `--summary-export` has a bare boolean, true when it was crossed.
 */
function thresholdsOf(metric: string, thresholds: unknown): LoadThreshold[] {
  if (!isRecord(thresholds)) return [];
  return Object.entries(thresholds).map(([expression, state]) => ({
    metric,
    expression,
    ok: isRecord(state) ? state.ok === true : state === false,
  }));
}

/** Null when the text is not a summary that k6 wrote: the report does without. */
export function parseLoadSummary(text: string): LoadSummary | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(parsed) || !isRecord(parsed.metrics)) return null;
  const entries = Object.entries(parsed.metrics).filter((entry): entry is [string, Record<string, unknown>] =>
    isRecord(entry[1]),
  );
  return {
    metrics: entries
      .map(([name, metric]) => {
        const values = numbersOf(isRecord(metric.values) ? metric.values : metric);
        const type = typeof metric.type === 'string' ? metric.type : typeOf(values);
        return { name, type, contains: typeof metric.contains === 'string' ? metric.contains : 'default', values };
      })
      .sort((a, b) => a.name.localeCompare(b.name)),
    thresholds: entries.flatMap(([name, metric]) => thresholdsOf(name, metric.thresholds)),
  };
}
