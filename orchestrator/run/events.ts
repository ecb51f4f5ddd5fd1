/** What a run tells whoever shows it. */
import type { ToolProgress } from '../../tools/obtain.ts';
import type { FaultRecord, PhaseName, RunRecord } from './record.ts';

export type RunEvent =
  | { readonly type: 'created'; readonly record: RunRecord; readonly directory: string }
  /** What the manifest leaves out. */
  | { readonly type: 'limit'; readonly text: string }
  | { readonly type: 'tool'; readonly progress: ToolProgress }
  | { readonly type: 'phase'; readonly phase: PhaseName; readonly expectedMs: number }
  | { readonly type: 'nodes'; readonly ready: number; readonly total: number }
  | { readonly type: 'prometheus'; readonly url: string }
  | {
      readonly type: 'load';
      readonly elapsedMs: number;
      readonly totalMs: number;
      readonly operations: number;
      readonly ratePerSecond: number;
    }
  | { readonly type: 'fault'; readonly step: FaultStep; readonly outcome: FaultRecord; readonly loadStartedAt: number }
  | { readonly type: 'nodeEnded'; readonly node: number; readonly how: string }
  | { readonly type: 'checking'; readonly what: string }
  | { readonly type: 'checked'; readonly checkers: NonNullable<RunRecord['checkers']> }
  | { readonly type: 'observed'; readonly text: string }
  | { readonly type: 'judging'; readonly what: string }
  | { readonly type: 'warning'; readonly message: string };

export type FaultStep = 'injected' | 'service-recovered' | 'healed' | 'recovered' | 'failed';

/** Which step a change of an outcome is; undefined when it is none that a person has to see. */
export function faultStep(before: FaultRecord | undefined, after: FaultRecord): FaultStep | undefined {
  if (after.error !== before?.error) return 'failed';
  if (after.recoveredAt !== before?.recoveredAt) return 'recovered';
  if (after.healedAt !== before?.healedAt) return 'healed';
  if (after.serviceRecoveredAt !== before?.serviceRecoveredAt) return 'service-recovered';
  if (after.injectedAt !== before?.injectedAt) return 'injected';
  return undefined;
}
