/** What `run.json` says about a run, in the terms of the evaluator. Pure. */
import type { RunRecord } from '../run/record.ts';
import type { FaultWindow } from './evaluate.ts';
import type { Span } from './types.ts';

/** The load as it was, and the judged window: load and settling. Null when the load never began. */
export function judgedPhases(
  record: RunRecord,
  queryOffsetMs: number,
): { readonly loading: Span; readonly window: Span } | null {
  const loading = record.phases.find((phase) => phase.name === 'loading');
  if (loading === undefined) return null;
  const settling = record.phases.find((phase) => phase.name === 'settling');
  const end = settling?.to ?? settling?.from ?? loading.to ?? record.interrupted?.at;
  if (end === undefined) return null;
  // Rules are evaluated for a moment `queryOffsetMs` in the past; what is younger was never evaluated.
  const window = { from: loading.from, to: end - queryOffsetMs };
  return window.to <= window.from
    ? null
    : { window, loading: { from: loading.from, to: Math.min(loading.to ?? end, window.to) } };
}

/**
 * From injection to the end of the recovery. A recovery may take as long as the scenario's objective `recovery` allows and no longer, so that a system that
 * does not recover cannot hide behind its fault; without that objective the window ends with the healing.
 */
export function faultWindows(record: RunRecord, windowEnd: number): FaultWindow[] {
  const objective = record.scenario.objectives.recovery;
  const allowedMs = objective?.unit === 'seconds' ? objective.value * 1000 : 0;
  return record.faults.flatMap((fault) => {
    if (fault.injectedAt === undefined) return [];
    const healed = fault.healedAt ?? windowEnd;
    const recovered = Math.min(fault.recoveredAt ?? Number.POSITIVE_INFINITY, healed + allowedMs);
    return [{ name: fault.name, from: fault.injectedAt, to: Math.max(healed, recovered) }];
  });
}

/** k6's exit code for a load that ran as planned and crossed a threshold; any other failure means that it did not run as planned. */
export const EXIT_CODE_THRESHOLDS = 99;
const EXIT_CODES_OF_A_WHOLE_LOAD = new Set([0, EXIT_CODE_THRESHOLDS]);

/** Reasons for which the whole run is inconclusive, whatever its criteria say. */
export function runReasons(record: RunRecord): string[] {
  const reasons = [...record.inconclusive];
  const { error, interrupted, load, scenario, observed } = record;
  if (error !== undefined)
    reasons.push(`the run could not be carried through: ${error.message.split('\n', 1)[0]} (${error.code})`);
  if (interrupted !== undefined) reasons.push(`the run was interrupted by ${interrupted.signal}`);
  if (scenario.criteria.length === 0)
    reasons.push('the scenario has no criteria: nothing was promised, so nothing is proven');
  // Nobody loads a system that is only looked at, and nothing settles.
  if (observed !== undefined) return reasons;
  if (load === null) reasons.push('the load never started');
  else if (load.exitCode === undefined) reasons.push('the load did not end by itself');
  else if (!EXIT_CODES_OF_A_WHOLE_LOAD.has(load.exitCode))
    reasons.push(`k6 could not run the load (exit code ${load.exitCode}): see ${load.logPath}`);
  // An orchestrator that was killed notes no interruption: its settling has a beginning and no end.
  else if (interrupted === undefined && error === undefined && !hasSettled(record))
    reasons.push('the run ended before it had settled: the last scrapes and checkers are missing');
  return [
    ...reasons,
    ...unseenFaults(record)
      .filter((reason) => !record.inconclusive.some((known) => known.includes(reason.fault)))
      .map((reason) => reason.text),
  ];
}

function hasSettled({ phases }: RunRecord): boolean {
  return phases.some((phase) => phase.name === 'settling' && phase.to !== undefined);
}

function unseenFaults(record: RunRecord): { readonly fault: string; readonly text: string }[] {
  return record.scenario.faults.flatMap(({ name, repeat }) => {
    const injections = record.faults.filter((fault) => fault.name === name);
    const promised = repeat?.count ?? 1;
    const seen = injections.filter((fault) => fault.injectedAt !== undefined && fault.error === undefined);
    if (seen.length >= promised) return [];
    const error = injections.find((fault) => fault.error !== undefined)?.error;
    const missing = promised === 1 ? 'was never injected' : `was injected ${seen.length} times of ${promised}`;
    const why = error === undefined ? missing : `failed: ${error}`;
    return [{ fault: name, text: `the scenario promises the fault "${name}", which ${why}` }];
  });
}
