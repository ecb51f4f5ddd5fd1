/** What the replicated state machine holds and answers. Source: requirements, lithair-replication-stress, "KVEntry Model". */

/** One entry, as it appears in JSON. Never changed: an update replaces it. */
export interface KVEntry {
  /** UUID, lower case; made by the node that received the create, before it was proposed. */
  readonly id: string;
  readonly key: string;
  readonly value: string;
  /** Log index of the last change: the sequence number for ordering. */
  readonly seq: number;
  /** The node that received the create. */
  readonly source_node: number;
  /** RFC 3339, UTC, milliseconds; from the create command. */
  readonly created_at: string;
}

export type Outcome = 'created' | 'updated' | 'deleted' | 'notFound' | 'keyReused';

/** What became of a command. All but `keyReused` are remembered under the idempotency key, if there was one. */
export interface ApplyResult {
  /** Of the command applied now, so that its proposer finds the request that waits for it. */
  readonly requestId: string;
  readonly outcome: Outcome;
  /** After the change; what was deleted, for `deleted`; null for `notFound` and `keyReused`. */
  readonly entry: KVEntry | null;
  /** The command had been applied before: this is its stored result, and nothing has changed. */
  readonly replayed: boolean;
}

export interface ListQuery {
  /** ≥ 1. */
  readonly limit: number;
  /** Only ids greater than this one. */
  readonly after?: string | undefined;
}

/** Ascending by id. `next` is the id to give as `after` for the next page, and set only when there is one. */
export interface EntryPage {
  readonly entries: readonly KVEntry[];
  readonly next?: string;
}
