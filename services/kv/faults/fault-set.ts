import type { NodeFaultKind, NodeFaultSet } from '../../../kit/system.ts';
import type { DiskFaults } from '../storage/faulty-disk.ts';
import { FSYNC_LIES } from '../storage/faulty-disk.ts';

/**
 * What a node can be told to do wrong, one for each thing that an alert watches and no fault from outside can bring about.
 *
 * | misbehaviour | what the node does |
 * |---|---|
 * | `stale-reads` | answers linearizable reads from what it has, without asking the leader |
 * | `forget-idempotency` | leaves the `Idempotency-Key` out of the commands that it proposes |
 * | `acknowledge-early` | calls its log durable before it is written |
 * | `skip-apply` | leaves one committed command out of its state |
 * | `unaudited` | answers writes without counting them as checked |
 * | `lose-writes` | answers one write in ten with success, and does not make it |
 * | `mute-checkpoints` | neither tells its peers the hash of its state nor looks at theirs |
 */
export const MISBEHAVIOURS = [
  'stale-reads',
  'forget-idempotency',
  'acknowledge-early',
  'skip-apply',
  'unaudited',
  'lose-writes',
  'mute-checkpoints',
] as const;
export type Misbehaviour = (typeof MISBEHAVIOURS)[number];

const flag = { type: 'boolean' } as const;
const share = { type: 'number', minimum: 0, maximum: 1 } as const;
const DAY_MS = 86_400_000;

function object<P extends Record<string, unknown>>(properties: P) {
  return { type: 'object', properties, additionalProperties: false } as const;
}

/** JSON Schema of a `NodeFaultSet`. */
export const faultSetSchema = object({
  disk: object({
    full: flag,
    slow_fsync_ms: { type: 'number', minimum: 0, maximum: 60_000 },
    slow_fsync_probability: share,
    lie_about_fsync: { enum: [true, false, ...FSYNC_LIES] },
    torn_write: flag,
    flip_bit: flag,
  }),
  clock: object({
    skew_ms: { type: 'number', minimum: -365 * DAY_MS, maximum: 365 * DAY_MS },
    rate: { type: 'number', minimum: 0.01, maximum: 10 },
  }),
  messages: object({
    loss: share,
    duplicate: share,
    reorder: share,
    to: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 999_999_999 }, maxItems: 16 },
  }),
  misbehaviour: { type: 'array', items: { type: 'string', enum: MISBEHAVIOURS }, maxItems: MISBEHAVIOURS.length },
});

/** The part of a set that the disk obeys. */
export function diskFaults({ disk = {} }: NodeFaultSet): DiskFaults {
  const { full = false, slow_fsync_ms = 0, slow_fsync_probability = 1, torn_write = false } = disk;
  const { lie_about_fsync: lie = false } = disk;
  return {
    full,
    slowFsyncMs: slow_fsync_ms,
    slowFsyncProbability: slow_fsync_probability,
    lie: lie === true ? 'skip' : lie === false ? null : lie,
    tornWrite: torn_write,
  };
}

/** Whether each kind of fault is in force. */
export function activeKinds(set: NodeFaultSet): Record<Exclude<NodeFaultKind, 'misbehave'>, boolean> {
  const disk = diskFaults(set);
  const { messages = {}, clock = {} } = set;
  return {
    message_loss: (messages.loss ?? 0) > 0,
    message_duplication: (messages.duplicate ?? 0) > 0,
    message_reordering: (messages.reorder ?? 0) > 0,
    disk_full: disk.full,
    slow_fsync: disk.slowFsyncMs > 0 && disk.slowFsyncProbability > 0,
    lying_fsync: disk.lie !== null,
    torn_write: disk.tornWrite,
    flipped_bit: set.disk?.flip_bit === true,
    clock_skew: (clock.skew_ms ?? 0) !== 0 || (clock.rate ?? 1) !== 1,
  };
}
