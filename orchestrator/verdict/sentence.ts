/** The words of a reason: when, how long, how bad, and under which fault. */

import { formatRuleValue, labelsText, objectiveText } from '../rule_text.ts';
import type { Objective } from '../scenario/types.ts';
import { formatDuration } from './duration.ts';
import { lengthOf } from './spans.ts';
import type { Interval, Span } from './types.ts';

interface Named extends Span {
  readonly name: string;
}

/** `+31 s`: since the start of the load. */
export function at(time: number, loading: Span): string {
  const ms = time - loading.from;
  return `${ms < 0 ? '−' : '+'}${formatDuration(Math.abs(ms))}`;
}

export function activeFaults(interval: Span, faults: readonly Named[]): string[] {
  return faults.filter((fault) => fault.from < interval.to && interval.from < fault.to).map((fault) => fault.name);
}

/** What a rule says of itself that a reason repeats. */
interface Told {
  readonly expr: string;
  readonly lowIsBad: boolean;
  readonly annotations: Readonly<Record<string, string>>;
}

interface Circumstances {
  readonly faults: readonly Named[];
  readonly loading: Span;
  readonly objectives: Readonly<Record<string, Objective>>;
}

/** `fired for 12 s (+31 s to +43 s) while the fault "kill-leader" was active; highest value 627 ms, objective write p99 100 ms, at node 1`. */
export function describeFiring(fired: Interval, rule: Told, { faults, loading, objectives }: Circumstances): string {
  const what = labelsText(fired.labels);
  const place = what === '' ? '' : `, at ${what}`;
  const objective = objectiveText(rule.expr, objectives);
  const value =
    fired.peak === null
      ? ''
      : `; ${rule.lowIsBad ? 'lowest' : 'highest'} value ${formatRuleValue(fired.peak, rule.annotations)}${objective === null ? '' : `, objective ${objective}`}`;
  const when = `${at(fired.from, loading)} to ${at(fired.to, loading)}`;
  return `fired for ${formatDuration(lengthOf(fired))} (${when}) ${underFault(fired, faults)}${value}${place}`;
}

function underFault(fired: Interval, faults: readonly Named[]): string {
  const active = activeFaults(fired, faults);
  if (active.length > 0) return `while the fault ${active.map((name) => `"${name}"`).join(' and ')} was active`;
  const last = faults.filter((fault) => fault.to <= fired.from).sort((a, b) => b.to - a.to)[0];
  return last === undefined
    ? 'with no fault active'
    : `${formatDuration(fired.from - last.to)} after the fault "${last.name}" was over`;
}
