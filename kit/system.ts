/**
 * The manifest: all that the orchestrator knows of a system under test. A user's own system is one more file of this shape;
 * the default export of `services/<name>/system.ts`.
 */

/** Where one node of a running cluster is, and what it was given. */
export interface NodePlace {
  /** Position in the cluster, 0-based; also the node's id unless the system says otherwise. */
  readonly index: number;
  readonly host: string;
  /** Listening ports by the names in `SystemManifest.ports`. */
  readonly ports: Readonly<Record<string, number>>;
  /** A directory of the node's own that survives its restarts. */
  readonly dataDirectory: string;
}

/** How to start a node: a child process of the orchestrator, in a process group of its own. */
export interface NodeCommand {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface ClusterPlan {
  readonly nodes: readonly NodePlace[];
  /** Directory shared by all nodes of the cluster (certificates and the like). */
  readonly sharedDirectory: string;
  /** OTLP/HTTP endpoint, when traces are wanted. */
  readonly otlpEndpoint?: string;
  /** When links can be disturbed: where each node must dial each other instead of its own address. One for each ordered pair. */
  readonly links?: readonly LinkPlan[];
  /** When nodes can be told to misbehave: the secret by which their fault endpoints know the orchestrator. */
  readonly faultToken?: string;
}

/** A proxy on the way from one node to another; both are positions in the cluster. */
export interface LinkPlan {
  readonly from: number;
  readonly to: number;
  readonly host: string;
  readonly port: number;
}

export const PROCESS_FAULTS = ['kill', 'pause', 'restart', 'upgrade'] as const;
export const LINK_FAULTS = ['partition', 'latency', 'bandwidth', 'reset', 'stall'] as const;
/** By the machine's own network stack, whatever the system is. */
export const NETWORK_FAULTS = ['packet_loss'] as const;
export const NODE_FAULTS = [
  'message_loss',
  'message_duplication',
  'message_reordering',
  'disk_full',
  'slow_fsync',
  'lying_fsync',
  'torn_write',
  'flipped_bit',
  'clock_skew',
  'misbehave',
] as const;
/** What an operator has a serving node go through. */
export const OPERATOR_FAULTS = ['operate'] as const;
/** Of what observes a run, whatever the system is. */
export const OBSERVATION_FAULTS = ['silence'] as const;
/** Whom `silence` may silence: the orchestrator's own metrics, or k6. */
export const OBSERVERS = ['orchestrator', 'load'] as const;
export type Observer = (typeof OBSERVERS)[number];
/** How a disk may lie about its fsyncs; see `NodeFaultSet`. */
export const FSYNC_LIES = ['skip', 'skip-some', 'skip-and-claim'] as const;
export type FsyncLie = (typeof FSYNC_LIES)[number];
export type ProcessFaultKind = (typeof PROCESS_FAULTS)[number];
export type LinkFaultKind = (typeof LINK_FAULTS)[number];
export type NetworkFaultKind = (typeof NETWORK_FAULTS)[number];
export type NodeFaultKind = (typeof NODE_FAULTS)[number];
export type OperatorFaultKind = (typeof OPERATOR_FAULTS)[number];
export type ObservationFaultKind = (typeof OBSERVATION_FAULTS)[number];
export type FaultKind =
  | ProcessFaultKind
  | LinkFaultKind
  | NetworkFaultKind
  | NodeFaultKind
  | OperatorFaultKind
  | ObservationFaultKind;

/** Everything that one node is told to do wrong, at once; `{}` is a healthy node. Shares are in [0, 1]. */
export interface NodeFaultSet {
  readonly disk?: {
    /** Every write fails with ENOSPC. */
    readonly full?: boolean;
    readonly slow_fsync_ms?: number;
    /** Share of the fsyncs that are slow; 1 when absent. */
    readonly slow_fsync_probability?: number;
    /**
     * An fsync returns at once, and what it should have made durable is lost with the process. `skip` (as true) counts as no fsync
     * at all, `skip-some` lies every second time, `skip-and-claim` is counted as if it had been made.
     */
    readonly lie_about_fsync?: boolean | 'skip' | 'skip-some' | 'skip-and-claim';
    /** The next record is cut in the middle of its write, and the process dies of it. */
    readonly torn_write?: boolean;
    /** One bit of the log or the snapshot changes on disk. */
    readonly flip_bit?: boolean;
  };
  readonly clock?: { readonly skew_ms?: number; readonly rate?: number };
  readonly messages?: {
    readonly loss?: number;
    readonly duplicate?: number;
    readonly reorder?: number;
    /** Positions of the nodes to which messages suffer; all when absent. */
    readonly to?: readonly number[];
  };
  /** Names from `SystemManifest.nodeFaults.misbehaviours`. */
  readonly misbehaviour?: readonly string[];
}

/** How a system's nodes are told to misbehave, once they were started with `ClusterPlan.faultToken`. */
export interface NodeFaults {
  readonly kinds: readonly NodeFaultKind[];
  readonly misbehaviours: readonly string[];
  /** Replaces what the node was told before. Rejects, naming the reason, when the node did not take it. */
  apply(nodeUrl: string, token: string, set: NodeFaultSet): Promise<void>;
  /** What is in force. */
  read(nodeUrl: string, token: string): Promise<NodeFaultSet>;
}

/** How the checkers look at a system once the load is over (`orchestrator/checkers`). */
export interface SystemCheckers {
  /** Entries by id, each of which holds one value. */
  readonly model: 'register';
  /** Every entry, by linearizable reads at this node. Rejects when they cannot all be had. */
  readAll(nodeUrl: string, signal: AbortSignal): AsyncIterable<{ readonly key: string; readonly value: string }>;
  /** The hash of the whole state of this node, and the index of the last entry of the log in it; both of one moment. */
  state(nodeUrl: string, signal: AbortSignal): Promise<{ readonly appliedIndex: number; readonly hash: string }>;
}

export interface PortPlan {
  readonly name: string;
  /** The documented port of node 0; node i has `first + i`. Only `up` uses it. */
  readonly first: number;
}

export interface SystemManifest {
  /** The name in every folder: `alerts/<name>.rules.yml`, `loadtests/<name>/`, `scenarios/<name>/` … */
  readonly name: string;
  readonly title: string;
  readonly nodes: { readonly default: number; readonly min: number; readonly max: number };
  /** The first one is what clients and Prometheus talk to. */
  readonly ports: readonly PortPlan[];
  start(node: NodePlace, plan: ClusterPlan): NodeCommand;
  /**
   * HTTP paths on the first port. `ready` answers 200 once the node can serve clients. `probe` is a cheap GET that only a working
   * cluster can answer with 2xx (for kv a linearizable read): the time from a fault to its first success is the service's recovery.
   */
  readonly paths: { readonly metrics: string; readonly health: string; readonly ready: string; readonly probe: string };
  /**
   * The roles that a fault can target beside `node:N` and `any`, e.g. `leader`: the first node for which the promise is true.
   * A manifest with `leader` also has the target `follower`: a node that is not the leader.
   */
  readonly roles: Readonly<Record<string, (nodeUrl: string) => Promise<boolean>>>;
  /** Faults of processes that it takes. */
  readonly faults: readonly ProcessFaultKind[];
  /** Present when the nodes dial each other as `ClusterPlan.links` says: the port of `ports` that peers connect to. */
  readonly links?: { readonly port: string };
  readonly nodeFaults?: NodeFaults;
  readonly checkers?: SystemCheckers;
  /** What an operator may have a serving node go through, by name, such as `resync`. Rejects when the system did not take it. */
  readonly operations?: Readonly<Record<string, (nodeUrl: string, nodeUrls: readonly string[]) => Promise<void>>>;
  /**
   * How a node whose data are damaged comes back as an operator would bring it back: started with an empty directory, at its old
   * place, under `id`, which nobody in the cluster ever had, it asks the members to take it in instead of the one it was.
   */
  rejoin?(node: NodePlace, plan: ClusterPlan, id: number): NodeCommand;
  /** The scenario that `gameday start <name>` runs, e.g. `kv/leader-kill`. */
  readonly defaultScenario: string;
  /** Everything that bears the system's name, as paths from the project's root; a test checks that the list is complete. */
  readonly files: {
    /** Alerting and recording rules. */
    readonly rules: readonly string[];
    readonly ruleTests: readonly string[];
    readonly scenarios: string;
    readonly loadtests: string;
    readonly dashboards: readonly string[];
    readonly readme: string;
  };
}
