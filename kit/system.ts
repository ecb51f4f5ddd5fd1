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
}

export type FaultKind = 'kill' | 'pause' | 'restart';

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
  readonly faults: readonly FaultKind[];
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
