/**
 * One criterion against what was observed of its rule: pass, fail or inconclusive, with one sentence of reason. Pure. The decision
 * table is in README.md; the order of the checks below is the order of its rows.
 */
import type { Criterion, Objective } from '../scenario/types.ts';
import type { Disagreement } from './agreement.ts';
import type { AlertLife, Grid } from './alert-state.ts';
import { formatDuration } from './duration.ts';
import { activeFaults, at, describeFiring } from './sentence.ts';
import { intersect, lengthOf, longest, subtract, union } from './spans.ts';
import type { CriterionResult, Interval, Result, Span } from './types.ts';

/** A fault as far as alerts may show it: from the injection to the end of the recovery, but no later than the objective allows. */
export interface FaultWindow extends Span {
  readonly name: string;
}

/** What holds for the whole run. */
export interface RunFacts {
  /** From the start of the load to the end of settling. */
  readonly window: Span;
  readonly loading: Span;
  readonly faults: readonly FaultWindow[];
  /** The scenario's, which reasons name beside a value. */
  readonly objectives: Readonly<Record<string, Objective>>;
  /** Targets whose scrapes failed or are missing, with the stretch. */
  readonly scrapeGaps: readonly (Span & { readonly target: string })[];
  /** A signal ended the run: what has not happened yet might have. */
  readonly interrupted: boolean;
}

export interface RuleFacts {
  readonly expr: string;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** How far back the rule looks, recording rules included. */
  readonly spanMs: number;
  readonly intervalMs: number;
  readonly lowIsBad: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What the stored data says of one rule. */
export interface Observation {
  readonly grid: Grid;
  readonly life: AlertLife;
  /** What `ALERTS` says; empty when there is nothing to compare with. */
  readonly recorded: readonly Interval[];
  readonly disagreement: Disagreement | null;
  /** Required selectors that matched no series anywhere in the window. */
  readonly missing: readonly string[];
  /** For each thing the rule cannot be decided without, when it had a value. */
  readonly evidence: readonly (readonly Span[])[];
  readonly missedEvaluations: readonly Span[];
  /** Of an existing system: selectors, required or not, that matched no series anywhere in the window. */
  readonly unmatched?: readonly string[];
}

/** A rule that cannot be observed: unknown, or its expression fails. */
export interface Unobservable {
  readonly because: string;
}

/**
 * Longest stretch, beyond the rule's own reaction time, in which its inputs may be absent: k6 needs some seconds until its first samples are
 * in, and its series end with the load.
 */
const BLINDNESS_MS_MAX = 10_000;

interface Conclusion {
  readonly result: Result;
  readonly reason: string;
}

export function judgeCriterion(
  criterion: Criterion,
  rule: RuleFacts | null,
  observed: Observation | Unobservable,
  run: RunFacts,
): CriterionResult {
  const { alert, expect, during, outside, withinMs } = criterion;
  const observable = rule !== null && !('because' in observed);
  const conclusion = observable
    ? new Judgement(criterion, rule, observed, run).conclude()
    : inconclusive('because' in observed ? observed.because : 'no such rule');
  const firing = observable ? within(observed.life.firing, run.window) : [];
  return {
    alert,
    expect,
    ...(during === undefined ? {} : { during }),
    ...(outside === undefined ? {} : { outside }),
    ...(withinMs === undefined ? {} : { withinMs }),
    ...conclusion,
    window: run.window,
    pending: observable ? within(observed.life.pending, run.window) : [],
    firing,
    alertsSeries: observable ? within(observed.recorded, run.window) : [],
    faultsActive: [...new Set(firing.flatMap((interval) => activeFaults(interval, run.faults)))],
    expr: rule?.expr ?? '',
    for: rule?.forMs ?? 0,
    annotations: rule?.annotations ?? {},
    labels: rule?.labels ?? {},
  };
}

function inconclusive(reason: string): Conclusion {
  return { result: 'inconclusive', reason };
}

function within(intervals: readonly Interval[], window: Span): Interval[] {
  return intervals.filter((interval) => interval.to > window.from && interval.from <= window.to);
}

/** One criterion with all that is known; every method answers null when it has no objection. */
class Judgement {
  readonly #criterion: Criterion;
  readonly #rule: RuleFacts;
  readonly #observed: Observation;
  readonly #run: RunFacts;
  /** How long a firing may outlast its cause: range, `for`, `keep_firing_for` and two evaluations. */
  readonly #afterglowMs: number;

  constructor(criterion: Criterion, rule: RuleFacts, observed: Observation, run: RunFacts) {
    this.#criterion = criterion;
    this.#rule = rule;
    this.#observed = observed;
    this.#run = run;
    this.#afterglowMs = this.#reactionMs + rule.keepFiringForMs;
  }

  conclude(): Conclusion {
    return (
      this.#disagreement() ??
      this.#unfounded() ??
      (this.#criterion.expect === 'silent' ? this.#silent() : this.#firing())
    );
  }

  get #reactionMs(): number {
    return this.#rule.spanMs + this.#rule.forMs + 2 * this.#rule.intervalMs;
  }

  #silent(): Conclusion {
    const scope = this.#scope();
    const fired = this.#firstFiring(scope);
    if (fired !== null) return { result: 'fail', reason: this.#describe(fired) };
    const objection =
      this.#faultUnseen() ??
      this.#missing() ??
      this.#tooShort(scope) ??
      this.#undecidable(scope) ??
      this.#blind(scope) ??
      this.#unwatched() ??
      this.#pendingAtEnd(scope);
    return (
      objection ?? {
        result: 'pass',
        reason: `silent for ${formatDuration(sum(scope))}${this.#where()}, and it could have fired`,
      }
    );
  }

  #firing(): Conclusion {
    const targets = this.#criterion.during === undefined ? [this.#run.window] : this.#faultsMeant();
    const unseen = this.#faultUnseen() ?? this.#firedElsewhere(targets);
    if (unseen !== null) return unseen;
    for (const target of targets) {
      const unfired = this.#unfired(target);
      if (unfired !== null) return unfired;
    }
    return this.#unprovenElsewhere(targets) ?? { result: 'pass', reason: this.#firedAsExpected(targets) };
  }

  #firedElsewhere(targets: readonly Span[]): Conclusion | null {
    if (this.#criterion.during === undefined) return null;
    const shown = targets.map((fault) => this.#shown(fault));
    const elsewhere = this.#firstFiring(subtract([this.#run.window], shown));
    return (
      elsewhere && {
        result: 'fail',
        reason: `must fire only during the fault "${this.#criterion.during}", but ${this.#describe(elsewhere)}`,
      }
    );
  }

  /** Inside it was seen to fire; whether somebody looked matters where it must have been silent. */
  #unprovenElsewhere(targets: readonly Span[]): Conclusion | null {
    if (this.#criterion.during === undefined) return null;
    // What is cut off by the fault was looked at for the last time a little before.
    const early = 2 * this.#rule.intervalMs;
    const shown = targets.map((fault) => this.#shown(fault)).map(({ from, to }) => ({ from: from - early, to }));
    return this.#unwatched(subtract([this.#run.window], shown)) ?? this.#pendingAtEnd([this.#run.window]);
  }

  /** Why the alert did not fire in the target window as it should have. */
  #unfired(target: Span): Conclusion | null {
    const allowed = this.#shown(target);
    const fired = this.#firstFiring([allowed]);
    const deadline = this.#criterion.withinMs;
    if (fired !== null && (deadline === undefined || fired.from <= target.from + deadline)) return null;
    if (fired !== null && deadline !== undefined) {
      return {
        result: 'fail',
        reason: `fired ${formatDuration(fired.from - target.from)} after ${at(target.from, this.#run.loading)}, later than the ${formatDuration(deadline)} allowed`,
      };
    }
    const objection =
      this.#missing() ??
      this.#noChance(target) ??
      this.#undecidable([allowed]) ??
      this.#unwatched() ??
      this.#pendingAtEnd([allowed]) ??
      (this.#run.interrupted ? inconclusive('did not fire before the run was interrupted') : null);
    if (objection !== null) return objection;
    const pending = this.#observed.life.pending.filter(
      (interval) => interval.from < allowed.to && interval.to > allowed.from,
    );
    const close =
      pending.length === 0
        ? 'its condition was never true'
        : `its condition was true for at most ${formatDuration(lengthOf(longest(pending)))} of the ${formatDuration(this.#rule.forMs)} that \`for\` asks`;
    return { result: 'fail', reason: `must fire${this.#where()} but stayed silent: ${close}` };
  }

  /** Where the criterion looks. */
  #scope(): Span[] {
    const { during, outside } = this.#criterion;
    if (during !== undefined)
      return intersect(
        [this.#run.window],
        this.#faultsMeant().map((fault) => this.#extended(fault)),
      );
    if (outside !== undefined)
      return subtract(
        [this.#run.window],
        this.#run.faults.map((fault) => this.#extended(fault)),
      );
    return [this.#run.window];
  }

  #faultsMeant(): FaultWindow[] {
    return this.#run.faults.filter((fault) => fault.name === this.#criterion.during);
  }

  /** Where a fault may show in a rule that must fire: one with the annotation `stays` counts what is not undone, or waits for the end. */
  #shown(span: Span): Span {
    return this.#rule.annotations.stays === undefined
      ? this.#extended(span)
      : { from: span.from, to: this.#run.window.to };
  }

  #extended(span: Span): Span {
    return { from: span.from, to: Math.min(span.to + this.#afterglowMs, this.#run.window.to) };
  }

  #where(): string {
    if (this.#criterion.during !== undefined) return ` during the fault "${this.#criterion.during}"`;
    return this.#criterion.outside === undefined ? '' : ' outside the faults';
  }

  /** The first firing with an evaluation inside the pieces, cut to those evaluations. */
  #firstFiring(pieces: readonly Span[]): Interval | null {
    const step = this.#rule.intervalMs;
    for (const interval of this.#observed.life.firing) {
      for (const piece of pieces) {
        const from = interval.from + Math.max(0, Math.ceil((piece.from - interval.from) / step)) * step;
        if (from < Math.min(interval.to, piece.to)) return { ...interval, from, to: Math.min(interval.to, piece.to) };
      }
    }
    return null;
  }

  #describe(fired: Interval): string {
    return describeFiring(fired, this.#rule, this.#run);
  }

  #firedAsExpected(targets: readonly Span[]): string {
    const [target] = targets;
    const fired = target === undefined ? null : this.#firstFiring([this.#shown(target)]);
    if (fired === null || target === undefined) return 'fired as expected';
    const delay =
      this.#criterion.during === undefined ? '' : `${formatDuration(fired.from - target.from)} after the injection it `;
    return `${delay}${this.#describe(fired)}`;
  }

  #disagreement(): Conclusion | null {
    const found = this.#observed.disagreement;
    if (found === null) return null;
    const [who, other] =
      found.by === 'judge'
        ? ['the judge sees', "Prometheus' own ALERTS does not"]
        : ["Prometheus' own ALERTS shows", 'the judge does not'];
    return inconclusive(
      `${who} it firing at ${at(found.at, this.#run.loading)} and ${other}: samples came later than the rule's evaluation, or the stored data changed (raise rule_query_offset, then run again)`,
    );
  }

  /** In a run the labels are our own; an existing system may have others, and a rule that says `or vector(0)` fires without them. */
  #unfounded(): Conclusion | null {
    const { unmatched = [], life } = this.#observed;
    if (unmatched.length === 0 || within(life.firing, this.#run.window).length === 0) return null;
    const names = unmatched.map((selector) => `\`${selector}\``).join(', ');
    return inconclusive(
      `it fired, but no series matched ${names}: it may have fired for the lack of them alone (are the labels others there?)`,
    );
  }

  #faultUnseen(): Conclusion | null {
    const { during } = this.#criterion;
    return during !== undefined && this.#faultsMeant().length === 0
      ? inconclusive(`the fault "${during}" was never injected`)
      : null;
  }

  #missing(): Conclusion | null {
    const [first, ...more] = this.#observed.missing;
    if (first === undefined) return null;
    const others = more.length === 0 ? '' : ` (nor ${more.map((selector) => `\`${selector}\``).join(', ')})`;
    return inconclusive(`no series matched \`${first}\`${others}: silence without data proves nothing`);
  }

  #tooShort(scope: readonly Span[]): Conclusion | null {
    const judged = this.#criterion.during === undefined ? scope : this.#faultsMeant();
    const length = lengthOf(longest(judged));
    if (length >= this.#reactionMs) return null;
    return inconclusive(
      `could not have fired${this.#where()}: it needs ${formatDuration(this.#reactionMs)} (range ${formatDuration(this.#rule.spanMs)}, \`for\` ${formatDuration(this.#rule.forMs)}, two evaluations) and had ${formatDuration(length)}`,
    );
  }

  /** A fault that ends before the rule can have seen it for long enough. */
  #noChance(target: Span): Conclusion | null {
    const need = this.#rule.forMs + 2 * this.#rule.intervalMs;
    const had = lengthOf(target) + (this.#criterion.during === undefined ? 0 : this.#rule.spanMs);
    return had >= need
      ? null
      : inconclusive(
          `could not have fired${this.#where()}: its condition can hold for ${formatDuration(had)} and must hold for ${formatDuration(need)}`,
        );
  }

  #undecidable(scope: readonly Span[]): Conclusion | null {
    const need = this.#rule.forMs + 2 * this.#rule.intervalMs;
    const best = Math.min(
      Number.POSITIVE_INFINITY,
      ...this.#observed.evidence.map((spans) => lengthOf(longest(intersect(spans, scope)))),
    );
    if (best >= need) return null;
    return inconclusive(
      best === 0
        ? `its expression had no value at any time${this.#where()}, so it could not have fired: its inputs have data but their labels never match`
        : `its expression had a value for at most ${formatDuration(best)} in a row${this.#where()} and needs ${formatDuration(need)}, so it could not have fired`,
    );
  }

  /** A stretch of the load, outside faults, without inputs and long enough to hide a firing. */
  #blind(scope: readonly Span[]): Conclusion | null {
    const watched = subtract(
      intersect(scope, [this.#run.loading]),
      this.#run.faults.map((fault) => this.#extended(fault)),
    );
    const gap = longest(this.#observed.evidence.flatMap((spans) => subtract(watched, union(spans))));
    if (lengthOf(gap) <= this.#reactionMs + BLINDNESS_MS_MAX) return null;
    return inconclusive(
      `its expression had no value from ${at(gap.from, this.#run.loading)} to ${at(gap.to, this.#run.loading)}: a firing in these ${formatDuration(lengthOf(gap))} would have been hidden`,
    );
  }

  /** Stretches of the scope in which nobody looked: missed evaluations and scrapes. */
  #unwatched(scope: readonly Span[] = [this.#run.window]): Conclusion | null {
    const [missed] = intersect(this.#observed.missedEvaluations, scope);
    if (missed !== undefined) {
      return inconclusive(
        `Prometheus missed evaluations of its group from ${at(missed.from, this.#run.loading)} to ${at(missed.to, this.#run.loading)}: it was gone, or the machine too busy; see logs/prometheus.log`,
      );
    }
    const gap = this.#run.scrapeGaps.find((candidate) => intersect([candidate], scope).length > 0);
    if (gap === undefined) return null;
    return inconclusive(
      `no scrape of ${gap.target} from ${at(gap.from, this.#run.loading)} to ${at(gap.to, this.#run.loading)}: what happened then is unknown`,
    );
  }

  #pendingAtEnd(scope: readonly Span[]): Conclusion | null {
    const { toMs } = this.#observed.grid;
    const inScope = scope.some((piece) => piece.from <= toMs && toMs <= piece.to);
    const pending = this.#observed.life.pending.find((interval) => interval.to > toMs);
    if (!inScope || pending === undefined) return null;
    return inconclusive(
      `still pending at the end, for ${formatDuration(toMs - pending.from)} of the ${formatDuration(this.#rule.forMs)} that \`for\` asks: a longer run would tell`,
    );
  }
}

function sum(spans: readonly Span[]): number {
  return spans.reduce((total, span) => total + lengthOf(span), 0);
}
