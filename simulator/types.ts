/**
 * The vocabulary of the simulator: what a run is made from (`Plan`), what comes out of it (`Outcome`), and what a system under
 * simulation has to provide (`Driver`). Nothing here knows any system; `kv/` is one.
 *
 * One seed gives one plan, and one plan gives one outcome, on every machine: no clock, no randomness but the plan's seed, no I/O.
 */

/** Virtual time in microseconds since the start of the run, an integer. */
export type Micros = number;

/** A node's number, ≥ 1, never reused in a run: a node that lost its data comes back under a new one. */
export type NodeNumber = number;

/** A random length of time. Samples are integers; those of `exponential` and `lognormal` are cut off at `maxUs`. */
export type Distribution =
  | { readonly kind: 'constant'; readonly us: Micros }
  | { readonly kind: 'uniform'; readonly minUs: Micros; readonly maxUs: Micros }
  | { readonly kind: 'exponential'; readonly minUs: Micros; readonly meanUs: Micros; readonly maxUs: Micros }
  | { readonly kind: 'lognormal'; readonly medianUs: Micros; readonly sigma: number; readonly maxUs: Micros };

/** How messages travel. Probabilities are of each message, independent. */
export interface NetworkWeather {
  readonly latency: Distribution;
  readonly loss: number;
  readonly duplication: number;
  /** Such a message is held back by a sample of `heldBack`, so that later ones overtake it. */
  readonly reordering: number;
  readonly heldBack: Distribution;
  /** Messages of one link arrive in the order of sending (as over one connection), `reordering` aside. */
  readonly ordered: boolean;
  /** Of each link; messages queue behind each other. Null: unbounded. */
  readonly bytesPerSecond: number | null;
}

export interface DiskWeather {
  /** From the start of a sync to its end. */
  readonly sync: Distribution;
}

/** A node's clock shows `offsetUs + rate · virtual time`; timers of the node run by it. */
export interface ClockWeather {
  readonly offsetUs: Micros;
  readonly rate: number;
}

/** What holds for the whole run, until it is healed. */
export interface Weather {
  readonly network: NetworkWeather;
  readonly disk: DiskWeather;
  /** Of the first nodes in order; a node beyond the list has a true clock. */
  readonly clocks: readonly ClockWeather[];
}

/** Groups of nodes that a driver can name. `any`: all that may be started, up or not; the others are up. */
export type NodeRole = 'leader' | 'follower' | 'any';

/**
 * Who a fault is about; roles are looked up when it begins. `nth` counts among those that fit, modulo their number. `signalled` is the
 * node that gave the signal on which the fault begins.
 */
export type Target = { readonly node: NodeNumber } | { readonly role: NodeRole | 'signalled'; readonly nth: number };

/**
 * When a fault begins: at `atUs`, or, with `on`, a while after the first signal of that name that the driver gives at or after `atUs`
 * (for instance "a joint configuration has begun"): rare moments are reached on purpose.
 */
interface Begins {
  readonly atUs: Micros;
  readonly on?: { readonly signal: string; readonly delayUs: Micros };
}

/** What is done to the run from outside. `forUs` after its beginning a fault is healed. */
export type Fault<Action = unknown> = Begins &
  (
    | { readonly kind: 'crash'; readonly target: Target; readonly forUs: Micros }
    /** All nodes at once lose power. */
    | { readonly kind: 'blackout'; readonly forUs: Micros }
    /** Crash after which the disk is empty. */
    | { readonly kind: 'wipe'; readonly target: Target; readonly forUs: Micros }
    /** Crash, and one bit of what was durable is found changed. */
    | { readonly kind: 'flipBit'; readonly target: Target; readonly forUs: Micros }
    /** The process stands still; messages wait, its timers are late. */
    | { readonly kind: 'pause'; readonly target: Target; readonly forUs: Micros }
    /** Cut off from all others: `in` it hears nobody, `out` nobody hears it. */
    | {
        readonly kind: 'isolate';
        readonly target: Target;
        readonly direction: 'both' | 'in' | 'out';
        readonly forUs: Micros;
      }
    /** A share of the nodes on one side, the others on the other: the target, and those with the lowest numbers, or the highest. */
    | {
        readonly kind: 'split';
        readonly target: Target;
        readonly share: number;
        readonly beside: 'oldest' | 'newest';
        readonly forUs: Micros;
      }
    /** A link goes up and down `count` times, half of `everyUs` each. */
    | {
        readonly kind: 'flap';
        readonly target: Target;
        readonly everyUs: Micros;
        readonly count: number;
        readonly forUs: Micros;
      }
    /** Messages are lost, copied and held back more often. */
    | {
        readonly kind: 'storm';
        readonly loss: number;
        readonly duplication: number;
        readonly reordering: number;
        readonly forUs: Micros;
      }
    | { readonly kind: 'slowDisk'; readonly target: Target; readonly sync: Distribution; readonly forUs: Micros }
    | { readonly kind: 'fullDisk'; readonly target: Target; readonly forUs: Micros }
    | {
        readonly kind: 'skewClock';
        readonly target: Target;
        readonly rate: number;
        readonly jumpUs: Micros;
        readonly forUs: Micros;
      }
    /** Something of the system's own, for instance a change of membership. */
    | { readonly kind: 'act'; readonly action: Action; readonly forUs: Micros }
  );

/** A request of a client, at its time. */
export interface Scheduled {
  readonly atUs: Micros;
}

/**
 * Everything that happens in a run, as plain data (JSON). Any subset of `operations` and of `faults` is a plan too: that is how a
 * failing run is made smaller.
 */
export interface Plan<Setup = unknown, Operation extends Scheduled = Scheduled, Action = unknown> {
  readonly seed: number;
  /** Nodes 1 … `nodes` start together; others may join. */
  readonly nodes: number;
  /** The system's configuration. */
  readonly setup: Setup;
  readonly weather: Weather;
  /** Ascending by time. */
  readonly operations: readonly Operation[];
  readonly faults: readonly Fault<Action>[];
  /** From here on nothing is at fault any more: what is broken is mended, the network is fair. */
  readonly healAtUs: Micros;
  /** The system must be well and at rest within this time after `healAtUs`. */
  readonly recoverWithinUs: Micros;
}

/** What was found. `safety`: something happened that must never happen; `liveness`: something did not happen in time. */
export interface Failure {
  readonly kind: 'safety' | 'liveness';
  /** Name of the invariant. */
  readonly invariant: string;
  readonly message: string;
  readonly atUs: Micros;
  /** Number of the event during which it was noticed. */
  readonly step: number;
}

export interface Outcome {
  readonly failure: Failure | null;
  /** Messages between nodes that were delivered. */
  readonly messages: number;
  /** Events that were handled. */
  readonly events: number;
  readonly endUs: Micros;
  /** Hash over every event in order, 16 hexadecimal digits: equal runs have equal hashes. */
  readonly traceHash: string;
  /** The last events, readable; empty unless `RunOptions.traceLines` asks for them. */
  readonly trace: readonly string[];
  /** How often what was reached; names are the driver's and the engine's. */
  readonly stats: Readonly<Record<string, number>>;
}

/** Stands for "nobody" where a node is expected: timers of clients and operators. */
export const NO_NODE: NodeNumber = 0;

export interface RunOptions {
  /** Keep so many of the last events in readable form; costs time. Default 0. */
  readonly traceLines?: number;
  /** Called with each event in readable form, as it happens. */
  readonly onTrace?: (line: string) => void;
}

/** Thrown by a driver or an invariant; ends the run and becomes `Outcome.failure`. */
export class InvariantError extends Error {
  override name = 'InvariantError';
  readonly kind: 'safety' | 'liveness';
  readonly invariant: string;

  constructor(kind: 'safety' | 'liveness', invariant: string, message: string) {
    super(message);
    this.kind = kind;
    this.invariant = invariant;
  }
}

/**
 * A system under simulation: it owns the nodes, runs their cores, and turns what they put out into calls of `World`. The engine calls it
 * once for each event. Nothing it does may depend on anything but these calls.
 */
export interface Driver<Message, Operation extends Scheduled = Scheduled, Action = unknown> {
  /** The run begins: start the first nodes. */
  begin(): void;
  operation(operation: Operation): void;
  /** @param sameLife whether `to` has not been started anew since the message was sent */
  deliver(to: NodeNumber, message: Message, sameLife: boolean): void;
  /** A timer set with `World.timer`; those of a crashed node never come. `NO_NODE` when it belongs to nobody. */
  timer(node: NodeNumber, what: number, data: unknown): void;
  /** A write begun with `World.write` is durable. */
  written(node: NodeNumber, file: number): void;
  /** A write found no space; nothing of it is on the disk. */
  noSpace(node: NodeNumber, file: number): void;
  /** The node is gone, with its memory. `World.remains` says what is left of the writes under way. */
  crash(node: NodeNumber): void;
  /** Starts a node again. */
  start(node: NodeNumber): void;
  /** Whether the system promises to survive the loss of this node's data, just now. */
  mayLose(node: NodeNumber): boolean;
  /** The disk of a node that is down is empty from now on. */
  wipe(node: NodeNumber): void;
  /** One bit of what a node that is down has stored is found changed. */
  flipBit(node: NodeNumber): void;
  /** Numbers of nodes that fit a role, ascending; only nodes that are up, unless the role is `any`. */
  inRole(role: NodeRole): readonly NodeNumber[];
  act(action: Action): void;
  /** Everything has been mended. */
  healed(): void;
  /** Whether the system is well and at rest, after `healed`. */
  isAtRest(): boolean;
  /** What is missing for `isAtRest`; the invariant that is broken by it. */
  whyNotAtRest(): { readonly invariant: string; readonly message: string };
  stats(): Readonly<Record<string, number>>;
}
