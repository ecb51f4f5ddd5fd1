/**
 * JSON Schemas of requests and answers. Requests are refused when they break theirs; answers are serialised by theirs, which is
 * faster than JSON.stringify and lets no other field out.
 */

const text = { type: 'string' } as const;
const integer = { type: 'integer' } as const;
const boolean = { type: 'boolean' } as const;
const nullable = (type: 'integer' | 'number' | 'string') => ({ type: [type, 'null'] }) as const;

function object<P extends Record<string, unknown>>(properties: P, optional: readonly (keyof P & string)[] = []) {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false } as const;
}

function listOf<I>(items: I) {
  return { type: 'array', items } as const;
}

const KEY_CHARACTERS_MAX = 1024;
const key = { type: 'string', minLength: 1, maxLength: KEY_CHARACTERS_MAX } as const;

/** Requests. The length of a value is bounded by the body. */
export const createBody = object({ key, value: text });
export const updateBody = { ...object({ key, value: text }, ['key', 'value']), minProperties: 1 };

const UUID = '^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$';
export const entryPath = object({ id: { type: 'string', pattern: UUID } });

const consistency = { type: 'string', enum: ['linearizable', 'stale'], default: 'linearizable' } as const;
export const readQuery = object({ consistency }, ['consistency']);

export const LIST_LIMIT_DEFAULT = 1000;
export const LIST_LIMIT_MAX = 10_000;
export const listQuery = object(
  {
    limit: { type: 'integer', minimum: 1, maximum: LIST_LIMIT_MAX, default: LIST_LIMIT_DEFAULT },
    after: { type: 'string', pattern: UUID },
    key,
    consistency,
  },
  ['limit', 'after', 'key', 'consistency'],
);

export const resyncQuery = object({ target: { type: 'string', minLength: 1, maxLength: 300 } });

/** As `--node-id`: what a certificate can name, and far from where numbers stop being exact. */
const nodeId = { type: 'integer', minimum: 0, maximum: 999_999_999 } as const;
/** No body at all lets the leader choose. */
export const transferBody = { ...object({ to: nodeId }, ['to']), nullable: true };

/** It travels in the configuration, and all of that has to fit into the header of a snapshot. */
const address = { type: 'string', maxLength: 300, pattern: '^[A-Za-z0-9.-]+:[0-9]{1,5}/[0-9]{1,5}$' } as const;
const nodeIds = { type: 'array', items: nodeId, maxItems: 16 } as const;
export const learnerBody = object({ node_id: nodeId, address });
export const votersBody = { ...object({ promote: nodeIds, remove: nodeIds }, ['promote', 'remove']), minProperties: 1 };

/** Answers. */
export const entry = object({ id: text, key: text, value: text, seq: integer, source_node: integer, created_at: text });
export const entries = listOf(entry);

const member = object({ node_id: integer, address: text, url: text, kind: text });
export const members = object({ members: listOf(member) });

export const nodeStatus = object({
  node_id: integer,
  role: text,
  is_leader: boolean,
  leader_id: nullable('integer'),
  leader_url: nullable('string'),
  term: integer,
  commit_index: integer,
  applied_index: integer,
  last_index: integer,
  entries: integer,
  state_hash: text,
  checkpoint: object({ index: integer, hash: text }),
  uptime_seconds: { type: 'number' },
  version: text,
  members: listOf(member),
});

export const raftHealth = object({
  status: text,
  node_id: integer,
  role: text,
  term: integer,
  commit_index: integer,
  applied_index: integer,
  leader_id: nullable('integer'),
  has_quorum: boolean,
  peers: listOf(object({ node_id: integer, address: text, reachable: boolean, last_contact_ms: nullable('number') })),
});

const follower = object(
  {
    node_id: integer,
    address: text,
    status: text,
    last_replicated_index: integer,
    lag: integer,
    last_contact_ms: nullable('number'),
    consecutive_failures: integer,
    snapshot: object({ index: integer, bytes_sent: integer, bytes_total: integer }),
  },
  ['snapshot'],
);

export const syncStatus = object({
  leader_id: integer,
  term: integer,
  commit_index: integer,
  last_index: integer,
  followers: listOf(follower),
});

export const resyncStats = object({
  snapshots_created: integer,
  snapshots_sent: integer,
  snapshots_received: integer,
  snapshot_bytes_sent: integer,
  snapshot_bytes_received: integer,
  last_resync_at: nullable('string'),
  force_resyncs: integer,
});

export const resyncAccepted = object({ target: text, node_id: integer, leader_id: integer, snapshot_index: integer });
export const leadershipTransfer = object({ leader_id: integer, term: integer });
