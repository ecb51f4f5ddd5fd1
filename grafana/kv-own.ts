/** The row "the system itself" of the kv dashboard. */
import { heatmap, NODES, timeseries } from './panels.ts';
import { bucketQuantile, orZero } from './queries.ts';

export const consensus = [
  timeseries({
    title: 'Who leads',
    description:
      '1 where a node holds itself for the leader. Two at once are possible for a moment, in different terms.',
    unit: 'none',
    min: 0,
    max: 1,
    steps: true,
    queries: [{ expr: `raft_is_leader{${NODES}}`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Term',
    description:
      'Rises by one with each election. A staircase without an end: votes are split or heartbeats come late.',
    unit: 'none',
    steps: true,
    queries: [{ expr: `raft_term{${NODES}}`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Elections and step-downs',
    description: 'Elections started and leaderships given up, in each scrape window. Pre-votes disturb nobody.',
    unit: 'none',
    min: 0,
    queries: [
      {
        expr: `sum by (kind) (increase(raft_elections_started_total{${NODES}}[$__rate_interval]))`,
        legend: 'election: {{kind}}',
      },
      {
        expr: orZero(`sum(increase(raft_step_downs_total{${NODES}}[$__rate_interval]))`),
        legend: 'step-downs',
      },
    ],
  }),
  timeseries({
    title: 'Nodes without a leader',
    description: 'Nodes that know of no leader, and the share of the time that they spend so.',
    unit: 'none',
    min: 0,
    queries: [
      { expr: `count(raft_has_leader{${NODES}} == 0) or vector(0)`, legend: 'nodes now' },
      { expr: `max(rate(raft_leaderless_seconds_total{${NODES}}[$__rate_interval]))`, legend: 'share of time, worst' },
    ],
  }),
  timeseries({
    title: 'Commit index',
    description: 'Grows at all nodes alike. One that stands still is cut off or catching up by snapshot.',
    unit: 'short',
    queries: [{ expr: `raft_commit_index{${NODES}}`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Committed and not yet applied',
    description: 'Entries that wait for the state machine. Should be near 0.',
    unit: 'short',
    min: 0,
    queries: [{ expr: `raft_commit_index{${NODES}} - raft_applied_index{${NODES}}`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Follower lag',
    description: 'Entries that a follower is behind, as the leader sees it.',
    unit: 'short',
    min: 0,
    queries: [{ expr: `max by (peer) (raft_follower_lag_entries{${NODES}})`, legend: 'peer {{peer}}' }],
  }),
  timeseries({
    title: 'Last contact with followers',
    description: 'Time since the leader last heard of a follower. A ramp is a node that is gone.',
    unit: 's',
    min: 0,
    queries: [{ expr: `max by (peer) (raft_follower_last_contact_seconds{${NODES}})`, legend: 'peer {{peer}}' }],
  }),
  timeseries({
    title: 'Log length',
    description:
      'Entries between the first and the last of the log. It falls when a snapshot lets the log be compacted.',
    unit: 'short',
    min: 0,
    queries: [{ expr: `raft_last_log_index{${NODES}} - raft_first_log_index{${NODES}}`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Snapshots and members',
    description: 'Snapshots so far, by what happened to them, and members by kind.',
    unit: 'none',
    min: 0,
    steps: true,
    queries: [
      { expr: `sum by (event) (raft_snapshots_total{${NODES}})`, legend: 'snapshots {{event}}' },
      { expr: `max by (kind) (raft_members{${NODES}})`, legend: 'members: {{kind}}' },
    ],
  }),
];

export const storage = [
  timeseries({
    title: 'Fsync duration, p99',
    description: 'The floor under every write. When it climbs on all nodes, look at the disk and not at Raft.',
    unit: 's',
    min: 0,
    queries: [
      { expr: bucketQuantile(0.99, 'kv_wal_fsync_duration_seconds', NODES, ['node']), legend: 'node {{node}}' },
    ],
  }),
  heatmap({
    title: 'Fsync duration',
    description: 'Fsyncs a second by how long they took, all nodes.',
    unit: 's',
    expr: `sum by (le) (rate(kv_wal_fsync_duration_seconds_bucket{${NODES}}[$__rate_interval]))`,
  }),
  timeseries({
    title: 'Records for each fsync',
    description: 'Group commit at work: the mean number of log records that one fsync makes durable.',
    unit: 'short',
    min: 0,
    queries: [
      {
        expr: `rate(kv_wal_records_per_fsync_sum{${NODES}}[$__rate_interval]) / rate(kv_wal_records_per_fsync_count{${NODES}}[$__rate_interval])`,
        legend: 'node {{node}}',
      },
    ],
  }),
  timeseries({
    title: 'Writes acknowledged',
    description: 'Writes that each node answered with success. Followers forward to the leader and answer themselves.',
    unit: 'ops',
    min: 0,
    queries: [{ expr: `rate(kv_acknowledged_writes_total{${NODES}}[$__rate_interval])`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Entries by node',
    description: 'Size of the state machine. Lines apart are nodes that are behind; apart and still is divergence.',
    unit: 'short',
    min: 0,
    queries: [{ expr: `kv_entries{${NODES}}`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'State size',
    description: 'Bytes that the state machine holds.',
    unit: 'bytes',
    min: 0,
    queries: [{ expr: `kv_state_bytes{${NODES}}`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Retries answered from the table',
    description:
      'Writes with an idempotency key that had already been done, so that they were answered and not done again.',
    unit: 'ops',
    min: 0,
    queries: [{ expr: `rate(kv_idempotent_replays_total{${NODES}}[$__rate_interval])`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Disk full',
    description: '1 where a node refuses writes for want of space. It takes them again when space returns.',
    unit: 'none',
    min: 0,
    max: 1,
    steps: true,
    queries: [{ expr: `kv_disk_full{${NODES}}`, legend: 'node {{node}}' }],
  }),
];
