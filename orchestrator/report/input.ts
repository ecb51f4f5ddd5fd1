/** All that a report is made of, and the few questions that several formats of it ask. */

import { expandTemplate } from '../rule_text.ts';
import type { RunRecord } from '../run/record.ts';
import type { Criterion } from '../scenario/types.ts';
import type { CriterionResult, Result } from '../verdict/types.ts';
import { formatOffset, formatSeconds } from './format.ts';
import type { LoadSummary } from './load-summary.ts';
import type { Panels } from './panels.ts';

export interface ReportInput {
  readonly record: RunRecord;
  /** Null when there was no Prometheus to ask. */
  readonly panels: Panels | null;
  readonly load: LoadSummary | null;
  /** Runbooks by the name of their alert, as Markdown. */
  readonly runbooks: ReadonlyMap<string, string>;
}

/** `none` when nobody judged the run: it was interrupted or could not be carried through. */
export type Outcome = Result | 'none';

/** Never by colour alone: a word and a symbol of a different shape each. */
export const OUTCOMES: Readonly<
  Record<Outcome, { readonly word: string; readonly symbol: string; readonly emoji: string }>
> = {
  pass: { word: 'PASS', symbol: '✔', emoji: '✅' },
  fail: { word: 'FAIL', symbol: '✘', emoji: '❌' },
  inconclusive: { word: 'INCONCLUSIVE', symbol: '?', emoji: '⚠️' },
  none: { word: 'NO VERDICT', symbol: '–', emoji: '⏹️' },
};

export function outcomeOf(record: RunRecord): Outcome {
  return record.verdict?.result ?? 'none';
}

/** The message of an error may go on with the end of a log; the page shows all of it elsewhere. */
function firstLine(message: string): string {
  return message.trim().split('\n')[0] ?? '';
}

/** One sentence: why the run ended as it did. */
export function sentenceOf(record: RunRecord): string {
  const { verdict, error, interrupted } = record;
  if (verdict?.result === 'pass') {
    const criteria = verdict.criteria.length;
    const injected = record.faults.filter((fault) => fault.injectedAt !== undefined).length;
    return `${criteria === 1 ? 'The one criterion was' : `All ${criteria} criteria were`} met, with ${count(injected, 'fault')} injected.`;
  }
  if (verdict?.reasons[0] !== undefined) return verdict.reasons[0];
  if (error !== undefined) return `The run could not be carried through: ${firstLine(error.message)}`;
  if (interrupted !== undefined) return `The run was ended by ${interrupted.signal} before it could be judged.`;
  return record.inconclusive[0] ?? 'The run has not been judged.';
}

/** What the first sentence leaves out. */
export function furtherReasonsOf(record: RunRecord): readonly string[] {
  const all = [...(record.verdict?.reasons ?? []), ...record.inconclusive];
  if (record.verdict !== undefined && record.error !== undefined) all.push(firstLine(record.error.message));
  if (record.verdict !== undefined && record.interrupted !== undefined)
    all.push(`ended early by ${record.interrupted.signal}`);
  const first = sentenceOf(record);
  return [...new Set(all)].filter((reason) => reason !== first);
}

const ORDER: Readonly<Record<Result, number>> = { fail: 0, inconclusive: 1, pass: 2 };

/** What needs reading first comes first. */
export function sortedCriteria(record: RunRecord): readonly CriterionResult[] {
  return [...(record.verdict?.criteria ?? [])].sort((a, b) => ORDER[a.result] - ORDER[b.result]);
}

/** Alerts that fired although nothing was expected of them; none of them changed the verdict. */
export function unaskedAlertsOf({ record, panels }: ReportInput): readonly string[] {
  const asked = new Set(record.scenario.criteria.map((criterion) => criterion.alert));
  return [...new Set(panels?.firing.map((span) => span.alert))].filter((alert) => !asked.has(alert));
}

/** What was asked of an alert, e.g. `firing during leader-kill within 10 s`. */
export function expectationOf(criterion: Criterion): string {
  const during = criterion.during === undefined ? '' : ` during ${criterion.during}`;
  const within = criterion.withinMs === undefined ? '' : ` within ${formatSeconds(criterion.withinMs / 1000)}`;
  const stretch = criterion.stretch === undefined ? '' : `, time × ${criterion.stretch}`;
  return `${criterion.expect}${during}${within}${criterion.outside === 'faults' ? ' outside faults' : ''}${stretch}`;
}

/** Start of the load: scenario files count their faults from it, and so does every `+m:ss` of a report. */
export function originOf(record: RunRecord): number {
  return record.load?.from ?? record.phases.find((phase) => phase.name === 'loading')?.from ?? record.startedAt;
}

/** Where the run is over as far as the record knows. */
export function endOf(record: RunRecord): number {
  const times = record.phases.flatMap((phase) => [phase.from, phase.to ?? phase.from]);
  return Math.max(record.startedAt, record.interrupted?.at ?? 0, record.load?.to ?? 0, ...times);
}

/** What charts, tiles and timeline show, in epoch milliseconds: the load and the settling after it. */
export function shownWindowOf(record: RunRecord): { readonly from: number; readonly to: number } {
  const settled = record.phases.find((phase) => phase.name === 'settling')?.to;
  const from = Math.max(record.startedAt, originOf(record));
  return { from, to: Math.max(settled ?? endOf(record), from + 1_000) };
}

/** `+0:25 – +0:31` */
export function spanText(span: { readonly from: number; readonly to: number }, origin: number): string {
  return `${formatOffset(span.from - origin)} – ${formatOffset(span.to - origin)}`;
}

/** The rule's summary, with the labels of where the alert fired or was pending. */
export function summaryOf({ annotations, firing, pending }: CriterionResult): string {
  return expandTemplate(annotations.summary ?? '', firing[0] ?? pending[0]);
}

/** What the alert said when it first fired; null when it did not fire. */
export function descriptionOf({ annotations, firing }: CriterionResult): string | null {
  const { description } = annotations;
  return firing[0] === undefined || description === undefined ? null : expandTemplate(description, firing[0]);
}

/** From which release the nodes were upgraded: `started from 0.1.0 (v0.1.0)`. */
export function startedFromText({ startedFrom }: RunRecord): string | false {
  return startedFrom !== undefined && `started from ${startedFrom.version} (${startedFrom.ref})`;
}

export function count(amount: number, noun: string, plural = `${noun}s`): string {
  return `${amount} ${amount === 1 ? noun : plural}`;
}

/** Length between two instants that may be unknown. */
export function tookText(from: number | undefined, to: number | undefined): string {
  return from === undefined || to === undefined ? '–' : formatSeconds((to - from) / 1000);
}
