/** Expressions that more than one dashboard shows. `[$__rate_interval]` is at least four scrapes wide. */

/** Share of the client's operations that succeeded, retries included; `window` is a Grafana interval variable. */
export function availability(window: string): string {
  return `sum(rate(k6_operations_total{outcome="ok"}[${window}])) / sum(rate(k6_operations_total[${window}]))`;
}

/** A quantile of the client's operation time, in seconds; k6 sends it as a native histogram. */
export function operationQuantile(quantile: number, operation: 'write' | 'read', window: string): string {
  return `histogram_quantile(${quantile}, sum(rate(k6_operation_duration_seconds{operation="${operation}"}[${window}])))`;
}

/** A quantile of a classic histogram by the labels given. */
export function bucketQuantile(quantile: number, metric: string, matchers: string, by: readonly string[] = []): string {
  return `histogram_quantile(${quantile}, sum by (${['le', ...by].join(', ')}) (rate(${metric}_bucket{${matchers}}[$__rate_interval])))`;
}

/** `expr` where it has a value, else 0: for counters and states that only exist once something happened. */
export function orZero(expr: string): string {
  return `${expr} or vector(0)`;
}

/** `expr`, and 0 for every group of `all` where `expr` has no value. Both are vectors by the same labels. */
export function orZeroOf(expr: string, all: string): string {
  return `${expr} or 0 * ${all}`;
}
