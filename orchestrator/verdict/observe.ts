/** Asks the judge's Prometheus everything the evaluator wants to know about one rule. */

import { disagreement } from './agreement.ts';
import { alertLabels, alertLife, type Grid } from './alert-state.ts';
import type { MatrixSeries, PromApi } from './api.ts';
import type { Observation, RuleFacts } from './evaluate.ts';
import { lowIsBad } from './evidence.ts';
import { parseExpression, renameMetrics, type Selector } from './expression.ts';
import { type Heartbeats, missedEvaluations } from './heartbeat.ts';
import { judgedExpression, judgedName } from './materialise.ts';
import { type AlertingRule, definition, dependencies, needs, type RuleSet, ruleSpan } from './rules.ts';
import { spansOfSamples } from './spans.ts';
import type { Interval, Span } from './types.ts';

/** The run as its own Prometheus saw it; null for a run that none watched live. */
export interface LiveRun {
  readonly rules: RuleSet;
  readonly heartbeats: Heartbeats;
}

export interface ObserverOptions {
  readonly api: PromApi;
  /** The rules to judge by. */
  readonly rules: RuleSet;
  readonly live: LiveRun | null;
  /** From the first sample to the end of the judged window. */
  readonly data: Span;
  readonly window: Span;
}

export class Observer {
  readonly #o: ObserverOptions;
  /** Several rules need the same inputs; each is asked for once. */
  readonly #asked = new Map<string, Promise<MatrixSeries[]>>();

  constructor(options: ObserverOptions) {
    this.#o = options;
  }

  /**
   * The moments at which the rule is evaluated: those of the run's own Prometheus where they are known, since then both must come to the same result;
   * otherwise multiples of the interval.
   */
  grid(groupKey: string, intervalMs: number): Grid {
    const { data, live } = this.#o;
    const times = live?.heartbeats.get(groupKey) ?? [];
    const [first = Math.ceil(data.from / intervalMs) * intervalMs] = times;
    const end = Math.min(data.to, times.at(-1) ?? data.to);
    return {
      fromMs: first,
      toMs: first + Math.max(0, Math.floor((end - first) / intervalMs)) * intervalMs,
      stepMs: intervalMs,
    };
  }

  async observe(rule: AlertingRule): Promise<{ readonly facts: RuleFacts; readonly observation: Observation }> {
    const { rules } = this.#o;
    const live = this.#liveTwin(rule);
    const grid = this.grid((live ?? rule).group.key, rule.group.intervalMs);
    const facts = ruleFacts(rule, rules);
    const { selectors, evidence } = needs(rule, rules);
    // First and alone: when the rule itself is wrong, its own error is the one to show.
    const values = await this.#ask(judgedExpression(rule, rules), grid);
    const [missing, evidenceSpans, recorded] = await Promise.all([
      this.#missing(selectors, grid),
      Promise.all(evidence.map(async (expr) => this.#spans(`count(${this.#judged(expr)})`, grid))),
      live === null ? [] : this.#recorded(rule),
    ]);
    const life = alertLife(values, facts, grid);
    return {
      facts,
      observation: {
        grid,
        life,
        recorded,
        disagreement: live === null ? null : this.#disagreement(rule, life.firing, recorded, grid),
        missing,
        evidence: evidenceSpans,
        missedEvaluations: live === null ? [] : this.#missed(live),
      },
    };
  }

  /** The same rule, with all that it reads, as the run's Prometheus evaluated it; null when there is no such thing to compare with. */
  #liveTwin(rule: AlertingRule): AlertingRule | null {
    const { live, rules } = this.#o;
    const twin = live?.rules.alerts.get(rule.name);
    if (live === null || twin === undefined) return null;
    return definition(twin, live.rules) === definition(rule, rules) ? twin : null;
  }

  #judged(expr: string): string {
    return renameMetrics(parseExpression(expr), (name) => judgedName(name, this.#o.rules));
  }

  #ask(expr: string, grid: Grid): Promise<MatrixSeries[]> {
    const key = `${expr} ${grid.fromMs} ${grid.stepMs}`;
    const asked = this.#asked.get(key) ?? this.#o.api.queryRange(expr, grid);
    this.#asked.set(key, asked);
    return asked;
  }

  /** When the expression had any value. */
  async #spans(expr: string, grid: Grid): Promise<Span[]> {
    const [series] = await this.#ask(expr, grid);
    return series === undefined
      ? []
      : spansOfSamples(
          series.points.map(([time]) => time),
          grid.stepMs,
        );
  }

  /** Selectors that matched nothing at any evaluation in the window; what others are computed from comes first. */
  async #missing(selectors: readonly Selector[], grid: Grid): Promise<string[]> {
    const { window } = this.#o;
    const found = await Promise.all(
      selectors.map(async (selector) => {
        const ranged = this.#judged(selector.text) + selector.range + selector.offset;
        const spans = await this.#spans(
          selector.range === '' ? `count(${ranged})` : `count(last_over_time(${ranged}))`,
          grid,
        );
        return spans.some((span) => span.to > window.from && span.from <= window.to);
      }),
    );
    return selectors
      .filter((_, i) => found[i] === false)
      .map((selector) => selector.text)
      .reverse();
  }

  /** Firing stretches of the stored ALERTS. */
  async #recorded(rule: AlertingRule): Promise<Interval[]> {
    const { api, data } = this.#o;
    const series = await api.samples(
      `ALERTS{alertname=${JSON.stringify(rule.name)}, alertstate="firing"}`,
      data.to,
      data.to - data.from,
    );
    return series
      .flatMap(({ labels, points }) => {
        const identity = alertLabels(labels, Object.keys(rule.labels));
        return spansOfSamples(
          points.map(([time]) => time),
          rule.group.intervalMs,
        ).map((span) => ({ ...span, labels: identity, peak: null }));
      })
      .sort((a, b) => a.from - b.from);
  }

  #disagreement(
    rule: AlertingRule,
    judged: readonly Interval[],
    recorded: readonly Interval[],
    grid: Grid,
  ): Observation['disagreement'] {
    const named = judged.map((interval) => ({
      ...interval,
      labels: alertLabels(interval.labels, Object.keys(rule.labels)),
    }));
    const inWindow = (intervals: readonly Interval[]): Interval[] =>
      intervals.flatMap((interval) => clipped(interval, this.#o.window, grid));
    return disagreement(inWindow(named), inWindow(recorded), grid.stepMs, grid.stepMs);
  }

  #missed(rule: AlertingRule): Span[] {
    const { live, window } = this.#o;
    if (live === null) return [];
    const groups = new Map([rule, ...dependencies(rule, live.rules)].map(({ group }) => [group.key, group.intervalMs]));
    return [...groups].flatMap(([key, intervalMs]) =>
      missedEvaluations(live.heartbeats.get(key) ?? [], window, intervalMs),
    );
  }
}

function ruleFacts(rule: AlertingRule, rules: RuleSet): RuleFacts {
  return {
    expr: rule.expression.text,
    forMs: rule.forMs,
    keepFiringForMs: rule.keepFiringForMs,
    spanMs: ruleSpan(rule, rules),
    intervalMs: rule.group.intervalMs,
    lowIsBad: lowIsBad(rule.expression),
    labels: rule.labels,
    annotations: rule.annotations,
  };
}

/** The interval's evaluations in the window. */
function clipped(interval: Interval, window: Span, grid: Grid): Interval[] {
  const skipped = Math.max(0, Math.ceil((window.from - interval.from) / grid.stepMs));
  const from = interval.from + skipped * grid.stepMs;
  const to = Math.min(interval.to, grid.toMs + grid.stepMs);
  return to > from ? [{ ...interval, from, to }] : [];
}
