/**
 * What must be asked besides when an existing system is judged, from its copied series (`copy.ts`). Its Prometheus scrapes as it likes, nobody
 * knows what it missed, and the labels may be others: whatever would then be taken for silence or for firing is found here.
 */
import type { MatrixSeries, PromApi } from './api.ts';
import { slowestCadenceMs } from './cadence.ts';
import { SCRAPES } from './copy.ts';
import { formatDuration, parseDuration } from './duration.ts';
import type { RunFacts } from './evaluate.ts';
import { type Selector, selectorsOf } from './expression.ts';
import { type AlertingRule, dependencies, type Rule, type RuleSet } from './rules.ts';
import { gaps, INTERVALS_MAX } from './scrapes.ts';
import type { Span } from './types.ts';

/** A range must span so many samples: a rate needs two, one may be lost, and the edges never meet the samples. */
const SAMPLES_IN_RANGE_MIN = 4;

export interface ObservedOptions {
  readonly api: PromApi;
  readonly rules: RuleSet;
  readonly data: Span;
  readonly window: Span;
  /** Names of metrics that were written in place of what a run would export. */
  readonly standIns: readonly string[];
}

export class ObservedSystem {
  readonly #o: ObservedOptions;
  readonly #asked = new Map<string, Promise<MatrixSeries[]>>();

  constructor(options: ObservedOptions) {
    this.#o = options;
  }

  /** Why the rule cannot be judged on what that Prometheus stores, however long it is looked at; null when it can. */
  async objection(rule: AlertingRule): Promise<string | null> {
    const { rules, standIns } = this.#o;
    const raw = rawSelectors(rule, rules);
    if (raw.length > 0 && raw.every(({ name }) => name !== null && standIns.includes(name))) {
      const names = [...new Set(raw.map(({ name }) => name))].join(', ');
      return `it looks only at what a run exports about itself (${names}), which is stood in for here: it would say nothing about this system`;
    }
    for (const part of [rule, ...dependencies(rule, rules)]) {
      for (const selector of selectorsOf(part.expression)) {
        const short = await this.#shortRange(part, selector);
        if (short !== null) return short;
      }
    }
    return null;
  }

  /** Selectors of the rule, required or not, that matched nothing in the window: where it fires, it may be because of them. */
  async unmatched(rule: AlertingRule): Promise<string[]> {
    const { window, rules } = this.#o;
    const raw = rawSelectors(rule, rules);
    const found = await Promise.all(raw.map((selector) => this.#series(selector.text)));
    const texts = raw.filter(
      (_, i) => !found[i]!.some((series) => timesOf(series).some((time) => time >= window.from)),
    );
    return [...new Set(texts.map(({ text }) => text))];
  }

  /**
   * Stretches of the window in which a target, of which the rule reads series, was not scraped; where nothing tells of scrapes, in which no
   * sample came. A scrape that failed is one: a target that is down is a rule's business.
   */
  async scrapeGaps(rule: AlertingRule): Promise<RunFacts['scrapeGaps'][number][]> {
    const { rules, standIns, window } = this.#o;
    const scrapes = await this.#series(SCRAPES);
    const found = new Map<string, Span & { readonly target: string }>();
    for (const { text, name } of rawSelectors(rule, rules)) {
      if (name === null || standIns.includes(name)) continue;
      // What had ended before is not of the window.
      const series = (await this.#series(text)).filter((one) => timesOf(one).some((time) => time >= window.from));
      for (const { target, times, cadenceMs } of sourcesOf(text, series, scrapes)) {
        for (const gap of gaps(times, window, INTERVALS_MAX * cadenceMs))
          found.set(`${target} ${gap.from}`, { ...gap, target });
      }
    }
    return [...found.values()];
  }

  async #shortRange(part: Rule, { text, name, range }: Selector): Promise<string | null> {
    const { rules, standIns } = this.#o;
    const rangeMs = range === '' ? null : parseDuration(range.slice(1, -1).replaceAll(/\s/g, ''));
    if (rangeMs === null || name === null || standIns.includes(name)) return null;
    const recorded = rules.recordings.get(name);
    const intervalMs =
      recorded === undefined
        ? slowestCadenceMs((await this.#series(text)).map(timesOf))
        : Math.max(...recorded.map(({ group }) => group.intervalMs));
    if (intervalMs === null || rangeMs >= SAMPLES_IN_RANGE_MIN * intervalMs) return null;
    return `${part.name} reads \`${text}${range}\`, and there is a sample every ${formatDuration(intervalMs)}: a range shorter than ${SAMPLES_IN_RANGE_MIN} of them (${formatDuration(SAMPLES_IN_RANGE_MIN * intervalMs)}) may miss what happens; scrape more often, or judge by a rule with a longer range`;
  }

  #series(selector: string): Promise<MatrixSeries[]> {
    const { api, data } = this.#o;
    const asked = this.#asked.get(selector) ?? api.samples(selector, data.to, data.to - data.from + 1);
    this.#asked.set(selector, asked);
    return asked;
  }
}

/** Of the rule and of all that it reads. */
function rawSelectors(rule: AlertingRule, rules: RuleSet): Selector[] {
  return [rule, ...dependencies(rule, rules)]
    .flatMap((part) => selectorsOf(part.expression))
    .filter(({ name }) => name === null || !rules.recordings.has(name));
}

interface Source {
  readonly target: string;
  readonly times: readonly number[];
  /** 0 when it cannot be told: then nobody looked at any time. */
  readonly cadenceMs: number;
}

/** Where the series come from, each with the moments at which it was looked at. */
function sourcesOf(selector: string, series: readonly MatrixSeries[], scrapes: readonly MatrixSeries[]): Source[] {
  const scraped = new Set<MatrixSeries>();
  const without: MatrixSeries[] = [];
  for (const one of series) {
    const own = scrapes.filter((scrape) => isOf(scrape.labels, one.labels));
    for (const scrape of own) scraped.add(scrape);
    if (own.length === 0) without.push(one);
  }
  const sources = [...scraped].map((scrape) => ({
    target: `${scrape.labels.instance} (job ${scrape.labels.job})`,
    times: timesOf(scrape),
    cadenceMs: slowestCadenceMs([timesOf(scrape)]) ?? 0,
  }));
  // Pushed, or copied without `up`: all that the selector finds is taken for one source.
  const times = [...new Set(without.flatMap(timesOf))].sort((a, b) => a - b);
  const cadenceMs = slowestCadenceMs(without.map(timesOf)) ?? 0;
  return without.length === 0 ? sources : [...sources, { target: `\`${selector}\``, times, cadenceMs }];
}

/** Whether the scrape is one of the series' target: the same job and instance, and no other label that says otherwise. */
function isOf(scrape: Readonly<Record<string, string>>, series: Readonly<Record<string, string>>): boolean {
  if (scrape.job !== series.job || scrape.instance !== series.instance) return false;
  return Object.entries(scrape).every(
    ([label, value]) => label === '__name__' || series[label] === undefined || series[label] === value,
  );
}

function timesOf({ points, histograms }: MatrixSeries): number[] {
  return [...points, ...histograms].map(([time]) => time).sort((a, b) => a - b);
}
