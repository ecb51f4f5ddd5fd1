/** What a drill has shown of an alert: was it red under its fault, how fast, did it end, and was it green on a healthy run. */
import type { FaultRecord, RunRecord } from '../run/record.ts';
import { describeParameters } from '../scenario/fault_kinds.ts';
import type { Scenario } from '../scenario/types.ts';
import type { CriterionResult, Result, Span } from '../verdict/types.ts';

export interface DrillOutcome {
  readonly alert: string;
  /** `kv/drills/no-majority` */
  readonly scenario: string;
  /** `pause followers`; empty when the scenario does not say. */
  readonly fault: string;
  readonly result: Result;
  /** One sentence: what the rule saw, or why nothing can be concluded. */
  readonly reason: string;
  /** From the injection to the first firing, by the clock of the samples; virtual when `stretch` is there. Null: never. */
  readonly detectMs: number | null;
  /** From the heal to the last firing's end, not below 0; virtual when `stretch` is there. */
  readonly resolveMs: number | null;
  /** Still firing at the end of the run. */
  readonly stays: boolean;
  /** Why it does not end by itself, from the rule's annotation `stays`. */
  readonly staysBecause?: string;
  readonly stretch?: number;
  /** What the healthy run said; null when there was none. */
  readonly healthy: Result | null;
  /** Epoch milliseconds at which the drill was begun. */
  readonly at: number;
  readonly runId: string;
}

/** @param healthy the record of the healthy run, when there was one */
export function drillOutcome(alert: string, scenario: string, run: RunRecord, healthy?: RunRecord): DrillOutcome {
  const criterion = run.verdict?.criteria.find((each) => each.alert === alert && each.expect === 'firing');
  const common = {
    ...{ alert, scenario, fault: causeOf(criterion?.during, run.scenario) },
    ...{ at: run.startedAt, runId: run.id },
    healthy: healthy === undefined ? null : healthResult(alert, healthy),
  };
  if (criterion === undefined)
    return { ...common, result: 'inconclusive', reason: whyNot(run), detectMs: null, resolveMs: null, stays: false };
  const times = timesOf(criterion, causeSpan(criterion.during, run));
  const { stays: because } = criterion.annotations;
  const verdict = judged(criterion, times.stays && because === undefined, common.healthy, alert, healthy);
  return {
    ...{ ...common, ...verdict, ...times },
    ...(because === undefined ? {} : { staysBecause: because }),
    ...(criterion.stretch === undefined ? {} : { stretch: criterion.stretch }),
  };
}

/** What makes the alert fire: the fault, or without one the load itself. */
export function causeOf(during: string | undefined, { faults, load }: Pick<Scenario, 'faults' | 'load'>): string {
  const fault = faults.find(({ name }) => name === during);
  return fault === undefined ? `load ${load.script}` : describeFault(fault);
}

/** From the first injection to the last heal; without a fault, the load. */
function causeSpan(during: string | undefined, { faults, load }: RunRecord): Span {
  const injections = faults.filter(({ name }) => name === during);
  if (during === undefined && load !== null) return { from: load.from, to: load.to ?? Number.NEGATIVE_INFINITY };
  return {
    from: Math.min(...injections.map((fault) => fault.injectedAt ?? Number.POSITIVE_INFINITY)),
    to: Math.max(...injections.map((fault) => fault.healedAt ?? Number.NEGATIVE_INFINITY)),
  };
}

/** `pause followers`, `misbehave node:1 (stale-reads)` */
export function describeFault({
  kind,
  target,
  parameters,
}: Pick<FaultRecord, 'kind' | 'target' | 'parameters'>): string {
  const more = describeParameters(parameters ?? {});
  return `${kind} ${target}${more === '' ? '' : ` (${more})`}`;
}

function timesOf(
  { firing, window, stretch = 1 }: CriterionResult,
  cause: Span,
): Pick<DrillOutcome, 'detectMs' | 'resolveMs' | 'stays'> {
  const seen = firing.filter(({ to }) => to > cause.from);
  if (seen.length === 0) return { detectMs: null, resolveMs: null, stays: false };
  const first = Math.min(...seen.map(({ from }) => from));
  const last = Math.max(...seen.map(({ to }) => to));
  const stays = last >= window.to;
  return {
    detectMs: Math.max(0, first - cause.from) * stretch,
    resolveMs: stays || !Number.isFinite(cause.to) ? null : Math.max(0, last - cause.to) * stretch,
    stays,
  };
}

function judged(
  criterion: CriterionResult,
  neverEnded: boolean,
  healthy: Result | null,
  alert: string,
  healthyRun: RunRecord | undefined,
): Pick<DrillOutcome, 'result' | 'reason'> {
  const { result, reason } = criterion;
  if (result !== 'pass') return { result, reason };
  if (healthy === 'fail' || healthy === 'inconclusive')
    return { result: healthy, reason: `on a healthy run: ${healthReason(alert, healthyRun)}` };
  if (neverEnded)
    return {
      result: 'inconclusive',
      reason: `${reason}; but it was still firing at the end: lengthen the run, or say in the annotation \`stays\` why it does not end by itself`,
    };
  return { result, reason };
}

function healthResult(alert: string, healthy: RunRecord): Result {
  return healthy.verdict?.criteria.find((each) => each.alert === alert)?.result ?? 'inconclusive';
}

function healthReason(alert: string, healthy: RunRecord | undefined): string {
  if (healthy === undefined) return 'there was none';
  return healthy.verdict?.criteria.find((each) => each.alert === alert)?.reason ?? whyNot(healthy);
}

function whyNot({ error, interrupted, scenarioPath }: RunRecord): string {
  if (interrupted !== undefined) return `the run was interrupted by ${interrupted.signal}`;
  if (error !== undefined) return `the run could not be carried through: ${error.message.split('\n', 1)[0]}`;
  return `${scenarioPath} says nothing about it`;
}
