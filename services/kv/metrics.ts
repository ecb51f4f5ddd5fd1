import type { Metrics } from '../../kit/metrics.ts';
import type { Message, Role } from './core/raft/types.ts';

/**
 * Seconds. A commit is two fdatasyncs and a round trip: 1 ms on a fast disk, and above 1 s an election came in between. The edges
 * include the objectives that scenarios state (50, 100, 250, 500 ms).
 */
const COMMIT_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Seconds. A read waits for one round trip and no disk. */
const READ_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Seconds. From an NVMe disk with a write cache that survives power loss (0.1 ms) to a disk that is about to fail (1 s). */
const FSYNC_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

/** How many of Raft's writes one fdatasync covers: 1 is no group commit at all. */
const RECORDS_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128];

const ROLES: readonly Role[] = ['follower', 'preCandidate', 'candidate', 'leader', 'learner'];

/** All metrics of a node beside those of the kit. Gauges are set by the driver before each scrape. */
export type KvMetrics = ReturnType<typeof createKvMetrics>;

export function createKvMetrics(metrics: Metrics) {
  const raft = createRaftMetrics(metrics);
  showAllSeries(raft);
  const { beforeScrape } = metrics;
  return { raft, wal: createWalMetrics(metrics), store: createStoreMetrics(metrics), beforeScrape };
}

/** A series that appears with its first event hides that event from `increase`: all exist from the start. */
function showAllSeries(raft: ReturnType<typeof createRaftMetrics>): void {
  for (const role of ROLES) raft.role.set({ role }, 0);
  for (const kind of ['pre', 'real']) raft.elections.inc({ kind }, 0);
  for (const reason of ['quorumLost', 'higherTerm', 'transferred', 'removed']) raft.stepDowns.inc({ reason }, 0);
  for (const outcome of ['committed', 'refused', 'timed_out']) raft.proposals.inc({ outcome }, 0);
  for (const event of ['created', 'sent', 'received']) raft.snapshots.inc({ event }, 0);
  for (const direction of ['sent', 'received']) raft.snapshotBytes.inc({ direction }, 0);
}

function createRaftMetrics({ counter, gauge, histogram }: Metrics) {
  return {
    term: gauge({ name: 'raft_term', help: 'Current term.' }),
    isLeader: gauge({ name: 'raft_is_leader', help: '1 while this node leads.' }),
    hasLeader: gauge({ name: 'raft_has_leader', help: '1 while this node knows a leader.' }),
    role: gauge({ name: 'raft_role', help: '1 for the current role.', labels: ['role'] }),
    commitIndex: gauge({ name: 'raft_commit_index', help: 'Greatest index known to be committed.' }),
    appliedIndex: gauge({ name: 'raft_applied_index', help: 'Greatest index applied to the store.' }),
    lastLogIndex: gauge({ name: 'raft_last_log_index', help: 'Greatest index in the log.' }),
    firstLogIndex: gauge({ name: 'raft_first_log_index', help: 'Smallest index still in the log.' }),
    leaderChanges: counter({
      name: 'raft_leader_changes_total',
      help: 'Times another leader than the last one was seen.',
    }),
    elections: counter({
      name: 'raft_elections_started_total',
      help: 'Elections this node started.',
      labels: ['kind'],
    }),
    stepDowns: counter({ name: 'raft_step_downs_total', help: 'Times this node stopped leading.', labels: ['reason'] }),
    followerLag: gauge({
      name: 'raft_follower_lag_entries',
      help: 'Entries a follower lacks; leader only.',
      labels: ['peer'],
    }),
    followerContact: gauge({
      name: 'raft_follower_last_contact_seconds',
      help: 'Time since a follower was heard from; leader only.',
      labels: ['peer'],
    }),
    leaderless: counter({ name: 'raft_leaderless_seconds_total', help: 'Time without a known leader.' }),
    messagesSent: counter({ name: 'raft_messages_sent_total', help: 'Messages to peers.', labels: ['type'] }),
    messagesReceived: counter({ name: 'raft_messages_received_total', help: 'Messages from peers.', labels: ['type'] }),
    messageBytesSent: counter({ name: 'raft_message_bytes_sent_total', help: 'Bytes of frames to peers.' }),
    proposals: counter({
      name: 'raft_proposals_total',
      help: 'Writes that clients asked this node for, by outcome.',
      labels: ['outcome'],
    }),
    commitDuration: histogram({
      name: 'raft_commit_duration_seconds',
      help: 'From proposing a write at this node to applying it here.',
      buckets: COMMIT_BUCKETS,
    }),
    readIndexDuration: histogram({
      name: 'raft_read_index_duration_seconds',
      help: 'From asking for a linearizable read to its confirmation by a majority.',
      buckets: READ_BUCKETS,
    }),
    snapshots: counter({ name: 'raft_snapshots_total', help: 'Snapshots.', labels: ['event'] }),
    snapshotBytes: counter({
      name: 'raft_snapshot_bytes_total',
      help: 'Snapshot data on the wire.',
      labels: ['direction'],
    }),
    members: gauge({ name: 'raft_members', help: 'Members of the configuration in force.', labels: ['kind'] }),
  };
}

function createWalMetrics({ counter, histogram }: Metrics) {
  return {
    fsyncDuration: histogram({
      name: 'kv_wal_fsync_duration_seconds',
      help: 'Time in fdatasync of the log, measured around the call itself.',
      buckets: FSYNC_BUCKETS,
    }),
    bytesWritten: counter({ name: 'kv_wal_bytes_written_total', help: 'Bytes written to the log.' }),
    recordsPerFsync: histogram({
      name: 'kv_wal_records_per_fsync',
      help: 'Writes of Raft that one fdatasync covered.',
      buckets: RECORDS_BUCKETS,
    }),
  };
}

function createStoreMetrics({ counter, gauge }: Metrics) {
  return {
    acknowledged: counter({
      name: 'kv_acknowledged_writes_total',
      help: 'Writes that this node confirmed to a client.',
    }),
    acknowledgedBeforeSync: counter({
      name: 'kv_acknowledged_before_sync_total',
      help: 'Writes confirmed although the disks of this node and of a majority had not reported them durable. Must stay 0.',
    }),
    entries: gauge({ name: 'kv_entries', help: 'Entries in the store.' }),
    stateBytes: gauge({ name: 'kv_state_bytes', help: 'Bytes of keys and values in the store.' }),
    checkpointIndex: gauge({ name: 'kv_state_checkpoint_index', help: 'Log index of the newest hash of the state.' }),
    divergence: counter({
      name: 'kv_state_divergence_total',
      help: 'Checkpoints at which the state of this node and that of a peer differ. Must stay 0.',
    }),
    checkpointsCompared: counter({
      name: 'kv_state_checkpoints_compared_total',
      help: 'Checkpoints of peers compared with those of this node.',
    }),
    diskFull: gauge({ name: 'kv_disk_full', help: '1 while writes are refused for want of disk space.' }),
    diskFree: gauge({ name: 'kv_disk_free_bytes', help: 'Free bytes where the data directory is.' }),
    idempotentReplays: counter({
      name: 'kv_idempotent_replays_total',
      help: 'Repeated requests answered with the first answer.',
    }),
  };
}

/** Shows the role as `raft_role`, `raft_is_leader` and `raft_has_leader`. */
export function showRole({ raft }: KvMetrics, role: Role, hasLeader: boolean): void {
  for (const each of ROLES) raft.role.set({ role: each }, each === role ? 1 : 0);
  raft.isLeader.set(role === 'leader' ? 1 : 0);
  raft.hasLeader.set(hasLeader ? 1 : 0);
}

export function countMessages(counter: KvMetrics['raft']['messagesSent'], messages: readonly Message[]): void {
  for (const { type } of messages) counter.inc({ type });
}
