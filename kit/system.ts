/**
 * The manifest: all that the orchestrator knows of a system under test. The default export of `services/<name>/system.ts`, or of
 * the file that `--system` names: a user's own system is one more file of this shape. `docs/guides/manifest.md` explains each field.
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
  /** Absolute paths of the executables that `SystemManifest.tools` asks for, by the names there; `{}` when it asks for none. */
  readonly tools: Readonly<Record<string, string>>;
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
  /**
   * The hash of the whole state of this node, and the index of the last entry of the log in it; both of one moment. Absent: whether
   * the nodes' states diverge is not judged.
   */
  state?(nodeUrl: string, signal: AbortSignal): Promise<{ readonly appliedIndex: number; readonly hash: string }>;
}

export interface PortPlan {
  readonly name: string;
  /** The documented port of node 0; node i has `first + i`. Only `up` uses it. */
  readonly first: number;
}

/** The format of the manifest that this Gameday reads. */
export const MANIFEST_VERSION = 1;

/** A node that somebody else started. A text is `url` alone. */
export type ElsewhereTarget =
  | string
  | {
      /** Base URL of the node's first port, without a path: `http://10.0.0.1:2379`. */
      readonly url: string;
      /** Its other ports by the names in `SystemManifest.ports`, such as the one of `metrics.port`. */
      readonly ports?: Readonly<Record<string, number>>;
    };

/**
 * Nodes that run already. Nothing is started or stopped; they are loaded, scraped and judged. Each hook does to the node at a
 * position of `targets` (0-based) what its name says, resolves when it is done, and rejects when it was not: `kill` needs `kill` and
 * `start`, `restart` needs `stop` and `start`, `pause` needs `pause` and `resume`. A process fault without its hooks is refused, and one
 * after which the node is ready as before has not happened.
 */
export interface Elsewhere {
  /** `--targets URL,…` replaces them. */
  readonly targets: readonly ElsewhereTarget[];
  /** Ends it without warning, as SIGKILL does. */
  kill?(index: number): Promise<void>;
  /** Ends it in order, as SIGTERM does. */
  stop?(index: number): Promise<void>;
  start?(index: number): Promise<void>;
  pause?(index: number): Promise<void>;
  resume?(index: number): Promise<void>;
}

/** Where the nodes' metrics are, in Prometheus' text format. */
export interface SystemMetrics {
  /** HTTP path, such as `/metrics`. */
  readonly path: string;
  /** A name of `ports`; the first one when absent. */
  readonly port?: string;
  /**
   * Its metrics under the names that shared rules and dashboards use: PromQL by name, such as
   * `{ raft_has_leader: 'etcd_server_has_leader' }`. They are recording rules of the run's Prometheus.
   */
  readonly series?: Readonly<Record<string, string>>;
}

export interface SystemRelease {
  /** The version that a ready node says it is, such as `3.6.8`. Rejects when it does not say. */
  of(nodeUrl: string): Promise<string>;
  /** A semver range, such as `^3.6.0`. Nodes outside it, or that differ from each other, end a run before its load. */
  readonly accepts: string;
}

/** A name of the tools' catalogue (`tools/catalogue.ts`), such as `etcd`. */
export type SystemTool = string;

export interface SystemManifest {
  /** `MANIFEST_VERSION`: the format of the manifest. */
  readonly version: 1;
  /** Lower-case letters, digits and dashes; scenarios say it in `system`, and standing clusters bear it. */
  readonly name: string;
  readonly title: string;
  readonly nodes: { readonly default: number; readonly min: number; readonly max: number };
  /** At least one. The first one is what clients, health checks and, unless `metrics.port` says otherwise, Prometheus talk to. */
  readonly ports: readonly PortPlan[];
  /** How a node is started. Absent: the nodes run elsewhere (`elsewhere`, or `--targets`). Its working directory is the manifest's home. */
  start?(node: NodePlace, plan: ClusterPlan): NodeCommand;
  readonly elsewhere?: Elsewhere;
  /** How long a run waits until all nodes are ready, started or not; 30 when absent. */
  readonly readyWithinSeconds?: number;
  /** HTTP paths on the first port. */
  readonly paths?: {
    /** Answers 200 while the process lives. Absent: a node lives when it accepts a TCP connection. */
    readonly health?: string;
    /** Answers 200 once the node can serve clients. Absent: `health`. */
    readonly ready?: string;
    /**
     * A cheap GET that only a working cluster can answer with 2xx (for kv a linearizable read): the time from a fault to its first
     * success is the service's recovery. Absent: that time is not measured, and a recovery is over when all nodes are ready.
     */
    readonly probe?: string;
  };
  /** Absent: the nodes are not scraped, and no rule on their metrics can be judged. */
  readonly metrics?: SystemMetrics;
  /**
   * The roles that a fault can target beside `node:N` and `any`, e.g. `leader`: the first node for which the promise is true.
   * A manifest with `leader` also has the target `follower`: a node that is not the leader. `{}` when absent.
   */
  readonly roles?: Readonly<Record<string, (nodeUrl: string) => Promise<boolean>>>;
  /** Faults of processes that it takes; none when absent. */
  readonly faults?: readonly ProcessFaultKind[];
  /** Present when the nodes dial each other as `ClusterPlan.links` says: the port of `ports` that peers connect to. */
  readonly links?: { readonly port: string };
  readonly nodeFaults?: NodeFaults;
  /** Absent: no history is checked, nothing is read after the load. */
  readonly checkers?: SystemCheckers;
  /** What an operator may have a serving node go through, by name, such as `resync`. Rejects when the system did not take it. */
  readonly operations?: Readonly<Record<string, (nodeUrl: string, nodeUrls: readonly string[]) => Promise<void>>>;
  /**
   * How a node whose data are damaged comes back as an operator would bring it back: started with an empty directory, at its old
   * place, under `id`, which nobody in the cluster ever had, it asks the members to take it in instead of the one it was.
   */
  rejoin?(node: NodePlace, plan: ClusterPlan, id: number): NodeCommand;
  /** Absent: versions are neither asked for nor compared. */
  readonly release?: SystemRelease;
  /** Obtained before the nodes start; their paths are in `ClusterPlan.tools`. None when absent. */
  readonly tools?: readonly SystemTool[];
  /** Variables for the load scripts (k6's `__ENV`), beside those that every script is given. `{}` when absent. */
  readonly environment?: Readonly<Record<string, string>>;
  /** The scenario that `gameday run --system` and `gameday start` run when none is named, e.g. `kv/leader-kill`, `storm`. */
  readonly defaultScenario: string;
  /**
   * Everything that belongs to the system, as paths from its home: the project's root for the project's own systems, the folder of
   * the manifest for one that `--system` names. A test checks that the lists of the project's systems and examples are complete.
   */
  readonly files: {
    /** Alerting and recording rules; every run has the project's shared ones besides. */
    readonly rules: readonly string[];
    /** None when absent. */
    readonly ruleTests?: readonly string[];
    /** `scenarios` or a folder in it: a scenario's name is its path below `scenarios/`. `scenarios` when absent. */
    readonly scenarios?: string;
    /** `loadtests` or a folder in it: a scenario's `load.script` is a path below `loadtests/`. `loadtests` when absent. */
    readonly loadtests?: string;
    /** None when absent. */
    readonly dashboards?: readonly string[];
    /** One for each alert, `<alert>.md`, in this folder; `docs/runbooks` when absent. */
    readonly runbooks?: string;
    readonly readme?: string;
  };
}
