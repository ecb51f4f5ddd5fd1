/**
 * The life of an alert, computed from the values of its expression: pending, firing, resolved. The same machine as
 * `AlertingRule.Eval` in Prometheus' rules/alerting.go, one evaluation after the other.
 */

import { VerdictError } from './errors.ts';
import type { Interval } from './types.ts';

/** The moments of evaluation: `fromMs`, `fromMs + stepMs` … up to and including `toMs`. Epoch milliseconds. */
export interface Grid {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** One series of a range query: time in epoch milliseconds and value. Moments without a value are left out. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>;
  readonly points: readonly (readonly [timeMs: number, value: number])[];
}

export interface AlertTimes {
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** Labels that the rule sets, as written. */
  readonly labels: Readonly<Record<string, string>>;
  /** Which extreme of the value is the bad one. */
  readonly lowIsBad: boolean;
}

export interface AlertLife {
  readonly pending: readonly Interval[];
  readonly firing: readonly Interval[];
}

/** Runs the machine for every label set of the result. Intervals are ordered by their start. */
export function alertLife(series: readonly Series[], rule: AlertTimes, grid: Grid): AlertLife {
  const lives = [...valuesByAlert(series, rule).values()].map(({ labels, values }) =>
    new LabelSetLife(labels, rule, grid).run(values),
  );
  const inOrder = (a: Interval, b: Interval): number =>
    a.from - b.from || JSON.stringify(a.labels).localeCompare(JSON.stringify(b.labels));
  return {
    pending: lives.flatMap((life) => life.pending).sort(inOrder),
    firing: lives.flatMap((life) => life.firing).sort(inOrder),
  };
}

interface LabelSet {
  readonly labels: Readonly<Record<string, string>>;
  readonly values: Map<number, number>;
}

/**
 * An alert is identified by the labels of the element without the metric's name, under the labels of the rule. Two elements that
 * become one alert at the same moment are an error in Prometheus too: the rule then has no result at all.
 */
function valuesByAlert(series: readonly Series[], rule: AlertTimes): Map<string, LabelSet> {
  const fixed = Object.entries(rule.labels).filter(([, value]) => !value.includes('{{'));
  const sets = new Map<string, LabelSet>();
  for (const { labels, points } of series) {
    const identity = alertLabels(
      labels,
      fixed.map(([name]) => name),
    );
    const key = JSON.stringify(Object.entries(identity).sort());
    const set = sets.get(key) ?? { labels: identity, values: new Map<number, number>() };
    for (const [time, value] of points) {
      if (set.values.has(time)) {
        throw new VerdictError(
          'RESULT_UNSUPPORTED',
          `two elements of the result become one alert ${key}: Prometheus refuses such a rule; keep the label that tells them apart`,
        );
      }
      set.values.set(time, value);
    }
    sets.set(key, set);
  }
  return sets;
}

/** Labels without the metric's name, the alert's own and those that the rule overrides. */
export function alertLabels(
  labels: Readonly<Record<string, string>>,
  overridden: readonly string[],
): Record<string, string> {
  const gone = new Set(['__name__', 'alertname', 'alertstate', ...overridden]);
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !gone.has(name)));
}

type State = 'inactive' | 'pending' | 'firing';

/** The machine for one label set. Fields are named as in Prometheus' `Alert`. */
class LabelSetLife {
  readonly pending: Interval[] = [];
  readonly firing: Interval[] = [];
  readonly #labels: Readonly<Record<string, string>>;
  readonly #rule: AlertTimes;
  readonly #grid: Grid;
  #state: State = 'inactive';
  #activeAt = 0;
  #keepFiringSince: number | null = null;
  #since = 0;
  #peak: number | null = null;

  constructor(labels: Readonly<Record<string, string>>, rule: AlertTimes, grid: Grid) {
    this.#labels = labels;
    this.#rule = rule;
    this.#grid = grid;
  }

  run(values: ReadonlyMap<number, number>): this {
    const { fromMs, toMs, stepMs } = this.#grid;
    let now = fromMs;
    for (; now <= toMs; now += stepMs) this.#evaluate(now, values.get(now));
    this.#become('inactive', now);
    return this;
  }

  #evaluate(now: number, value: number | undefined): void {
    if (value === undefined) {
      if (this.#state === 'firing' && this.#keepsFiring(now)) return;
      this.#become('inactive', now);
      return;
    }
    this.#keepFiringSince = null;
    if (this.#state === 'inactive') {
      this.#activeAt = now;
      this.#become('pending', now);
    }
    if (this.#state === 'pending' && now - this.#activeAt >= this.#rule.forMs) this.#become('firing', now);
    this.#see(value);
  }

  /** The first evaluation without a result starts the clock of `keep_firing_for`. */
  #keepsFiring(now: number): boolean {
    if (this.#rule.keepFiringForMs === 0) return false;
    this.#keepFiringSince ??= now;
    return now - this.#keepFiringSince < this.#rule.keepFiringForMs;
  }

  #see(value: number): void {
    if (Number.isNaN(value)) return;
    if (this.#peak === null) this.#peak = value;
    else this.#peak = this.#rule.lowIsBad ? Math.min(this.#peak, value) : Math.max(this.#peak, value);
  }

  #become(state: State, now: number): void {
    if (state === this.#state) return;
    const interval = { from: this.#since, to: now, labels: this.#labels, peak: this.#peak };
    if (this.#state === 'pending' && now > this.#since) this.pending.push(interval);
    if (this.#state === 'firing') this.firing.push(interval);
    this.#state = state;
    this.#since = now;
    this.#peak = null;
    this.#keepFiringSince = null;
  }
}
