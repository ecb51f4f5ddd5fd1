/** How often a series has a sample, told from its samples: a Prometheus that is not ours need not say how it scrapes. */

/** So few samples tell too little to speak for others that have more. */
const SAMPLES_FOR_SURE = 5;

/**
 * The median time between two samples, milliseconds, rounded to what a person would have configured (whole seconds, or tenths below one); null for fewer
 * than two samples. `times` ascend.
 */
export function cadenceMs(times: readonly number[]): number | null {
  const steps = times
    .slice(1)
    .map((time, i) => time - times[i]!)
    .sort((a, b) => a - b);
  const median = steps[steps.length >> 1];
  if (median === undefined) return null;
  return median < 950 ? Math.max(100, Math.round(median / 100) * 100) : Math.round(median / 1000) * 1000;
}

/** Of several series the one with most time between two samples; null when none tells. */
export function slowestCadenceMs(series: readonly (readonly number[])[]): number | null {
  const sure = series.filter((times) => times.length >= SAMPLES_FOR_SURE);
  const known = (sure.length > 0 ? sure : series).flatMap((times) => cadenceMs(times) ?? []);
  return known.length === 0 ? null : Math.max(...known);
}
