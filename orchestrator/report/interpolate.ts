/** What Grafana does to a query before it is sent, and to a legend after the answer came. */

export interface QueryWindow {
  /** Epoch milliseconds. */
  readonly from: number;
  readonly to: number;
  /** Distance of two points, in milliseconds. */
  readonly stepMs: number;
  readonly scrapeIntervalMs: number;
}

/** A PromQL duration from milliseconds: whole seconds where possible. */
export function promDuration(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.round(ms)}ms`;
}

/**
 * Replaces Grafana's variables in a query. `$__rate_interval` is the larger of four scrapes and step + one scrape, as Grafana
 * documents it. `values` are those of the dashboard's own variables (`job`, `instance`), as regular expressions.
 */
export function interpolate(expr: string, window: QueryWindow, values: Readonly<Record<string, string>>): string {
  const known: Readonly<Record<string, string>> = {
    ...values,
    __rate_interval: promDuration(Math.max(window.stepMs + window.scrapeIntervalMs, 4 * window.scrapeIntervalMs)),
    __interval: promDuration(window.stepMs),
    __interval_ms: String(window.stepMs),
    __range: promDuration(Math.max(1000, Math.round((window.to - window.from) / 1000) * 1000)),
    __range_s: String(Math.max(1, Math.round((window.to - window.from) / 1000))),
  };
  return expr.replace(/\$(?:\{(\w+)(?::\w+)?\}|(\w+))/g, (whole, braced?: string, bare?: string) => {
    return known[braced ?? bare ?? ''] ?? whole;
  });
}

/** The name of a series: `{{label}}` replaced by its value; all labels when the legend is empty. */
export function legendOf(format: string, labels: Readonly<Record<string, string>>): string {
  if (format !== '' && format !== '__auto')
    return format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? '').trim();
  const { __name__: name = '', ...rest } = labels;
  const inner = Object.entries(rest)
    .map(([label, value]) => `${label}="${value}"`)
    .join(', ');
  return inner === '' ? name || 'value' : `${name}{${inner}}`;
}
