import type { Prng } from '../../kit/prng.ts';
import type { Raft } from '../../services/kv/core/raft/raft.ts';
import type { Rules } from '../../services/kv/core/raft/rules.ts';
import type { NodeId, RaftConfig, Restored } from '../../services/kv/core/raft/types.ts';
import type { KvStore, StoreOptions } from '../../services/kv/core/store/store.ts';
import type { Micros, Plan, Scheduled, Target } from '../types.ts';

/** How the simulated cluster is configured; the same for all nodes. */
export interface KvSetup {
  readonly raft: Omit<RaftConfig, 'id' | 'incarnation' | 'membership'>;
  /** A tick of Raft's, by the node's own clock. */
  readonly tickUs: Micros;
  /** Proposals and reads gather for so long before the core sees them (one turn of the event loop). */
  readonly turnUs: Micros;
  /** A node takes a snapshot after so many entries. */
  readonly snapshotEntries: number;
  /** A segment of the log that has so many records is followed by a new one. */
  readonly segmentRecords: number;
  /** Idempotency keys that the replicated table keeps. */
  readonly rememberedMax: number;
  /** A client gives up waiting for a node after this long, and asks another one if the request has an idempotency key. */
  readonly attemptUs: Micros;
  /** Of a node's answers to clients: the client never gets it. */
  readonly answerLoss: number;
  /** A lost connection is noticed: what cannot be sent is refused at once. */
  readonly connectionsBreak: boolean;
}

/** One request of a client: an entry of the store is a register. Values are unique in a run. */
export interface KvOperation extends Scheduled {
  readonly type: 'create' | 'update' | 'delete' | 'read';
  /** Which entry. */
  readonly register: number;
  /** What is written; null for `delete` and `read`. */
  readonly value: string | null;
  /** The node that is asked first; later attempts go round. */
  readonly node: Target;
  /** With an idempotency key: repeated after a time-out until it succeeds. Reads always are. */
  readonly idempotent: boolean;
}

/** What an operator does. */
export type KvAction =
  | { readonly type: 'transfer'; readonly to: Target }
  | { readonly type: 'snapshot'; readonly node: Target }
  | { readonly type: 'forceSnapshot'; readonly to: Target }
  /** A new node joins as a learner and becomes a voter. */
  | { readonly type: 'grow' }
  /** A voter leaves; never the last three. */
  | { readonly type: 'shrink'; readonly node: Target }
  /** A new node takes the place of a voter, in one change of voters. */
  | { readonly type: 'replace'; readonly node: Target }
  /** As many new nodes as there are voters take the places of all of them at once. */
  | { readonly type: 'replaceAll' };

export type KvPlan = Plan<KvSetup, KvOperation, KvAction>;

/** A core under simulation: `Raft`, or a decorator over it. */
export type Core = Pick<Raft, 'step' | 'status' | 'snapshotMeta' | 'termAt'>;

/** A store under simulation: `KvStore`, or a decorator over it. */
export type Store = Pick<KvStore, 'apply' | 'get' | 'hash' | 'snapshot'>;

export interface CoreParts {
  readonly config: RaftConfig;
  readonly restored: Restored | null;
  readonly random: Prng;
  /** Raft's own, with `KvVariation.rules` over them. */
  readonly rules: Rules;
}

/**
 * What is different in a run with a planted bug. Every member left out means: as in production. A variation lives as long as one run, so
 * its closures may keep state; make a new one for each run.
 */
export interface KvVariation {
  /** Rules of Raft that are replaced. */
  readonly rules?: Partial<Rules>;
  /** Wraps the core of one start of one node; default `new Raft(…)`. */
  readonly makeCore?: (parts: CoreParts) => Core;
  /** Wraps the store; `chunks` is null for an empty one. Default `new KvStore` and `KvStore.restore`. */
  readonly makeStore?: (chunks: Iterable<Uint8Array> | null, options: StoreOptions) => Store;
  /** When what waits for the disk is released: `synced` is right; `written` as soon as the write was begun. */
  readonly release?: 'synced' | 'written';
  /** Changes what a node finds at a restart. */
  readonly restored?: (restored: Restored | null, node: NodeId) => Restored | null;
  /** A node that lost its data: `replaced` under a new id by a change of membership; `sameId` starts empty under the old one. */
  readonly afterLoss?: 'replaced' | 'sameId';
  /** How reads are answered: `confirmed` by ReadIndex; `local` from the node's own state at once. */
  readonly reads?: 'confirmed' | 'local';
}
