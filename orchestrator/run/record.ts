/** `run.json`: everything that is known of one run. Written again, atomically, whenever the run enters another phase. */
import type { FaultKind } from '../../kit/system.ts';
import type { Scenario } from '../scenario/types.ts';
import type { Verdict } from '../verdict/types.ts';
import type { InterruptionSignal } from './interruption.ts';

/** Files of a run directory, by their path relative to it. */
export const RUN_FILES = {
  record: 'run.json',
  /** The TSDB that the run's Prometheus wrote and the judge opens. */
  tsdb: 'tsdb',
  k6Summary: 'k6-summary.json',
  logs: 'logs',
  /** Prometheus' configuration, its targets and copies of the rules that judged the run. */
  prometheus: 'prometheus',
  nodes: 'nodes',
  processes: 'processes.json',
  lock: 'lock',
  reportHtml: 'report.html',
  reportMarkdown: 'report.md',
  junit: 'junit.xml',
} as const;

export type PhaseName = 'starting' | 'loading' | 'settling' | 'stopping' | 'judging' | 'done';

/** All times are epoch milliseconds. */
export interface RunRecord {
  readonly version: 1;
  readonly id: string;
  readonly scenario: Scenario;
  /** Path of the scenario file, relative to the project's root when it is inside. */
  readonly scenarioPath: string;
  readonly system: string;
  readonly seed: number;
  readonly gamedayVersion: string;
  /** Versions of the tools that took part, by name. */
  readonly tools: Readonly<Record<string, string>>;
  readonly runtime: {
    readonly node: string;
    readonly platform: string;
    readonly cpus: number;
    readonly memoryBytes: number;
  };
  readonly startedAt: number;
  readonly phases: readonly Phase[];
  readonly nodes: readonly NodeRecord[];
  readonly faults: readonly FaultRecord[];
  /** Null before the load has started. */
  readonly load: LoadRecord | null;
  /** Reasons for which nothing can be concluded, found while the run went on: a fault that was promised and not seen … */
  readonly inconclusive: readonly string[];
  /** Set when a signal ended the run early. */
  readonly interrupted?: { readonly signal: InterruptionSignal; readonly at: number };
  /** Set when the run could not be carried through. */
  readonly error?: { readonly code: string; readonly message: string };
  readonly verdict?: Verdict;
}

export interface Phase {
  readonly name: PhaseName;
  readonly from: number;
  /** Absent while the phase lasts. */
  readonly to?: number;
}

export interface NodeRecord {
  readonly index: number;
  /** Base URL of the first port, e.g. `http://127.0.0.1:40123`. */
  readonly url: string;
  readonly ports: Readonly<Record<string, number>>;
  /** Process id of the last start. */
  readonly pid: number;
  /** Relative to the run directory. */
  readonly log: string;
}

export interface FaultRecord {
  readonly name: string;
  readonly kind: FaultKind;
  /** As in the scenario: `leader`. */
  readonly target: string;
  /** Which node that was. */
  readonly node?: number;
  readonly injectedAt?: number;
  readonly healedAt?: number;
  /** A client-visible request succeeds again, through any node. */
  readonly serviceRecoveredAt?: number;
  /** Every node is ready again. */
  readonly recoveredAt?: number;
  /** Nodes that were ready right before, e.g. `3/3`. */
  readonly healthBefore?: string;
  readonly healthAfter?: string;
  readonly error?: string;
}

export interface LoadRecord {
  readonly script: string;
  readonly from: number;
  readonly to?: number;
  /** k6's own; 99 means that a threshold was crossed. */
  readonly exitCode?: number;
  /** Relative to the run directory. */
  readonly summaryPath: string;
  readonly logPath: string;
}
