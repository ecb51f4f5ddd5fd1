/** etcd from the inside, by the metrics that it exports itself: is there one leader, does the log move, what does the disk do. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { staleReads, violations } from '../../grafana/correctness.ts';
import { dashboard } from '../../grafana/dashboard.ts';
import { heatmap, NODES, stat, timeSinceStart, timeseries } from '../../grafana/panels.ts';
import { bucketQuantile, orZero } from '../../grafana/queries.ts';

const slo = [
  stat({
    title: 'Leaders',
    description: 'Members that hold themselves for the leader at the end of the window. Anything but 1 is an alert.',
    unit: 'none',
    query: { expr: `sum(etcd_server_is_leader{${NODES}})`, legend: 'leaders' },
    red: { below: 1 },
  }),
  stat({
    title: 'Leader changes',
    description: 'Times that leadership moved in this window, as the member saw it that saw most.',
    unit: 'none',
    decimals: 0,
    query: { expr: `max(increase(etcd_server_leader_changes_seen_total{${NODES}}[$__range]))`, legend: 'changes' },
  }),
  staleReads(),
  stat({
    title: 'Different states',
    description: 'Hashes of the members’ keys once all were at the same revision. Must be 1.',
    unit: 'none',
    query: { expr: 'max(gameday_state_hashes_distinct)', legend: 'hashes' },
    red: { above: 2 },
  }),
  stat({
    title: 'Database of its quota',
    description: 'Share of the space quota that the largest database takes. At 100 % all members refuse writes.',
    unit: 'percentunit',
    reduce: 'max',
    query: {
      expr: `max(etcd_mvcc_db_total_size_in_bytes{${NODES}} / etcd_server_quota_backend_bytes{${NODES}})`,
      legend: 'quota',
    },
    red: { above: 0.8 },
  }),
  stat({
    title: 'Keys',
    description: 'Keys at the end of the window: entries, and one marker for each client.',
    unit: 'short',
    query: { expr: `max(etcd_debugging_mvcc_keys_total{${NODES}})`, legend: 'keys' },
  }),
  ...violations(12),
];

const red = [
  timeseries({
    title: 'Proposals',
    description: 'Writes that became entries of the log, and those that failed before they did.',
    unit: 'ops',
    min: 0,
    queries: [
      { expr: `max(rate(etcd_server_proposals_committed_total{${NODES}}[$__rate_interval]))`, legend: 'committed' },
      { expr: `sum(rate(etcd_server_proposals_failed_total{${NODES}}[$__rate_interval]))`, legend: 'failed' },
    ],
  }),
  timeseries({
    title: 'Calls by method and code',
    description:
      'gRPC calls, those of the JSON gateway among them. Unavailable and DeadlineExceeded: no leader, or none in time.',
    unit: 'ops',
    min: 0,
    queries: [
      {
        expr: `sum by (grpc_method, grpc_code) (rate(grpc_server_handled_total{${NODES},grpc_service="etcdserverpb.KV"}[$__rate_interval]))`,
        legend: '{{grpc_method}} {{grpc_code}}',
      },
    ],
  }),
  timeseries({
    title: 'Applied entries',
    description: 'From the committed entry to the changed store, by member.',
    unit: 's',
    min: 0,
    queries: [
      {
        expr: bucketQuantile(0.99, 'etcd_server_apply_duration_seconds', NODES, ['node']),
        legend: 'p99 node {{node}}',
      },
    ],
  }),
  timeseries({
    title: 'Slow reads and failed read indices',
    description: 'Linearizable reads whose confirmation by a majority took long, or never came.',
    unit: 'ops',
    min: 0,
    queries: [
      { expr: `sum(rate(etcd_server_slow_read_indexes_total{${NODES}}[$__rate_interval]))`, legend: 'slow' },
      { expr: `sum(rate(etcd_server_read_indexes_failed_total{${NODES}}[$__rate_interval]))`, legend: 'failed' },
    ],
  }),
];

const own = [
  timeseries({
    title: 'Who leads',
    description: '1 where a member holds itself for the leader.',
    unit: 'none',
    min: 0,
    max: 1,
    steps: true,
    queries: [{ expr: `etcd_server_is_leader{${NODES}}`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Members that know a leader',
    description: 'Fewer than a majority: nothing can be written, and no linearizable read is answered.',
    unit: 'none',
    min: 0,
    steps: true,
    queries: [{ expr: orZero(`sum(etcd_server_has_leader{${NODES}})`), legend: 'members' }],
  }),
  timeseries({
    title: 'Committed proposals',
    description: 'Grows at all members alike. One that stands still is cut off.',
    unit: 'short',
    queries: [{ expr: `etcd_server_proposals_committed_total{${NODES}}`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Committed and not yet applied',
    description: 'Entries that wait to be applied. Above 5,000 a member refuses writes.',
    unit: 'short',
    min: 0,
    queries: [
      {
        expr: `etcd_server_proposals_committed_total{${NODES}} - etcd_server_proposals_applied_total{${NODES}}`,
        legend: 'node {{node}}',
      },
    ],
  }),
  timeseries({
    title: 'Round trips between members',
    description: '99th percentile of the probes between each two members; none while they are cut off from each other.',
    unit: 's',
    min: 0,
    queries: [
      {
        expr: bucketQuantile(0.99, 'etcd_network_peer_round_trip_time_seconds', NODES, ['node']),
        legend: 'from node {{node}}',
      },
    ],
  }),
  timeseries({
    title: 'Messages that could not be sent',
    description: 'Raft messages to a peer that failed, because it is down or cut off.',
    unit: 'ops',
    min: 0,
    queries: [
      {
        expr: orZero(`sum(rate(etcd_network_peer_sent_failures_total{${NODES}}[$__rate_interval]))`),
        legend: 'failures',
      },
    ],
  }),
];

const use = [
  timeseries({
    title: 'fsync of the log',
    description: 'How long the disk takes to confirm what was written to the write-ahead log, 99th percentile.',
    unit: 's',
    min: 0,
    queries: [
      { expr: bucketQuantile(0.99, 'etcd_disk_wal_fsync_duration_seconds', NODES, ['node']), legend: 'node {{node}}' },
    ],
  }),
  heatmap({
    title: 'Commits of the database',
    description: 'How long bbolt takes to write a batch of changes and sync it.',
    unit: 's',
    expr: `sum by (le) (rate(etcd_disk_backend_commit_duration_seconds_bucket{${NODES}}[$__rate_interval]))`,
  }),
  timeseries({
    title: 'Processor',
    description: 'Cores that each member uses.',
    unit: 'none',
    min: 0,
    queries: [{ expr: `rate(process_cpu_seconds_total{${NODES}}[$__rate_interval])`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Memory',
    description: 'Resident memory of each member.',
    unit: 'bytes',
    min: 0,
    queries: [{ expr: `process_resident_memory_bytes{${NODES}}`, legend: 'node {{node}}' }],
  }),
];

const telemetry = [timeSinceStart()];

export const etcd: Dashboard = dashboard({
  uid: 'gameday-etcd',
  title: 'Gameday / etcd',
  description: 'etcd from the inside, by its own metrics: consensus, disk, database.',
  job: 'etcd',
  rows: { slo, red, own, use, k6: [], telemetry },
});
