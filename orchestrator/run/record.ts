/** `run.json`: everything that is known of one run. Written again, atomically, whenever the run enters another phase. */
import type { FaultKind, SystemManifest } from '../../kit/system.ts';
import type { CheckersRecord } from '../checkers/types.ts';
import { describeParameters } from '../scenario/fault_kinds.ts';
import type { FaultParameters, FaultPlan, Scenario } from '../scenario/types.ts';
import type { Verdict } from '../verdict/types.ts';
import type { InterruptionSignal } from './interruption.ts';

/** Files of a run directory, by their path relative to it. */
export const RUN_FILES = {
  record: 'run.json',
  /** The TSDB that the run's Prometheus wrote and the judge opens. */
  tsdb: 'tsdb',
  k6Summary: 'k6-summary.json',
  /** What the clients saw, one file for each k6 process, and the final state that was read. */
  history: 'history',
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

/** The process of the reads that the orchestrator itself makes after the load; clients have no negative number. */
export const FINAL_READER = -1;

/** Who did an operation, in a sentence. */
export function processName(process: number): string {
  return process === FINAL_READER ? 'the final reader' : `process ${process}`;
}

export const CHECKERS = ['linearizability', 'durability', 'states'] as const;
export type CheckerName = (typeof CHECKERS)[number];

export type PhaseName = 'starting' | 'loading' | 'settling' | 'stopping' | 'judging' | 'done';

/**
 * A system that was there before: judged by what a Prometheus of its own has stored, of which the run directory holds a copy. Nothing was
 * started, loaded or broken. The judged window is the phase `loading`.
 */
export interface ObservedRecord {
  /** Without credentials. */
  readonly prometheus: string;
  /** Label matchers that every series had to meet, such as `cluster="prod"`. */
  readonly match: readonly string[];
  /** What the rules look back to from the beginning of the window; the copy begins here. Epoch milliseconds. */
  readonly dataFrom: number;
  readonly series: number;
  readonly samples: number;
  /** Between two samples of the series that has most; the rules are evaluated as often. */
  readonly intervalMs: number;
  /** Metrics that only a run exports, written here by what the scenario says. */
  readonly standIns: readonly string[];
  /** Labels that are called otherwise there: `job="kv-prod" is job="kv" here`. */
  readonly renamed: readonly string[];
  /** Criteria about a fault: none was injected. */
  readonly notJudged: readonly string[];
}

/** What became of the copy that `--remote-write` sends elsewhere. Samples, native histograms included. */
export interface RemoteWriteRecord {
  /** Without credentials and query. */
  readonly url: string;
  readonly sent: number;
  /** Refused, dropped, or not out when the run had to end. */
  readonly missing: number;
  /** What the receiver, or the network, said last; absent when nothing is missing. */
  readonly reason?: string;
}

/** All times are epoch milliseconds. */
export interface RunRecord {
  readonly version: 1;
  readonly id: string;
  readonly scenario: Scenario;
  /** Path of the scenario file, relative to the system's home when it is inside. */
  readonly scenarioPath: string;
  readonly system: string;
  /** The system's home, absolute; `files` are relative to it. Absent, like `files`, in the records of older versions. */
  readonly home?: string;
  readonly files?: SystemManifest['files'];
  /** The file that `--system` named, absolute; absent for the project's own systems. */
  readonly manifestFile?: string;
  /** The one version of all nodes, where the manifest has `release`. */
  readonly release?: string;
  /** What the manifest leaves out, and what is therefore not judged; absent when nothing. */
  readonly limits?: readonly string[];
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
  /** The release that the nodes started from, when the scenario upgrades them; `ref` is a tag or a commit. */
  readonly startedFrom?: { readonly version: string; readonly ref: string };
  readonly phases: readonly Phase[];
  readonly nodes: readonly NodeRecord[];
  readonly faults: readonly FaultRecord[];
  /** Null before the load has started, and where there is none. */
  readonly load: LoadRecord | null;
  /** Present when an existing system was judged; then `startedAt` is the beginning of the window. */
  readonly observed?: ObservedRecord;
  readonly remoteWrite?: RemoteWriteRecord;
  /** Reasons for which nothing can be concluded, found while the run went on: a fault that was promised and not seen … */
  readonly inconclusive: readonly string[];
  /** What the checkers found once the load was over; absent when they did not run. */
  readonly checkers?: CheckersRecord & {
    /** Why a checker has no result, by its name. */
    readonly problems: Readonly<Partial<Record<CheckerName, string>>>;
  };
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
  /** Process id of the last start; absent, like `log`, of a node that runs elsewhere. */
  readonly pid?: number;
  /** Relative to the run directory. */
  readonly log?: string;
  /** Absent when Prometheus looked at it. */
  readonly scraped?: false;
}

/** One injection of a fault. */
export interface FaultRecord {
  /** Of the fault in the scenario; all its injections have the same. */
  readonly name: string;
  /** 1-based, of a fault that is injected more than once. */
  readonly injection?: number;
  readonly kind: FaultKind;
  /** As in the scenario: `leader`. */
  readonly target: string;
  /** Which node that was, when it was one. */
  readonly node?: number;
  /** Which nodes they were, when they were several. */
  readonly nodes?: readonly number[];
  /** Who stayed with whom, when the target was groups. */
  readonly groups?: readonly (readonly number[])[];
  readonly parameters?: FaultParameters;
  /** How much later than planned, because the injection before had not been recovered from; absent when in time. */
  readonly lateMs?: number;
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

/** `leader-dies`, or `leader-dies-2` for the second injection of several. */
export function injectionName({ name, injection }: Pick<FaultRecord, 'name' | 'injection'>): string {
  return injection === undefined ? name : `${name}-${injection}`;
}

/** `partition leader, in only (node 1)`: what was done to whom. */
export function describeFaultRecord({ kind, target, parameters, node, nodes, groups }: FaultRecord): string {
  const how = parameters === undefined ? '' : describeParameters(parameters);
  const several = groups?.map((group) => group.join(', ')).join(' | ') ?? nodes?.join(', ');
  const whom = node === undefined ? several && `nodes ${several}` : `node ${node}`;
  return `${kind} ${target}${how && `, ${how}`}${whom === undefined ? '' : ` (${whom})`}`;
}

/** What a plan promises: one record for each injection. */
export function plannedInjections({ name, kind, target, parameters, repeat }: FaultPlan): FaultRecord[] {
  const common = { kind, target, ...(Object.keys(parameters).length > 0 ? { parameters } : {}) };
  if (repeat === undefined) return [{ name, ...common }];
  return Array.from({ length: repeat.count }, (_, place) => ({ name, injection: place + 1, ...common }));
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
