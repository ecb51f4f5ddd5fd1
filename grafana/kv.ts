/** The Raft key-value store: is there one leader, does the log move, is what was promised on disk. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { staleReads, violations } from './correctness.ts';
import { dashboard } from './dashboard.ts';
import { consensus, storage } from './kv-own.ts';
import { NODES, stat, timeSinceStart, timeseries } from './panels.ts';
import { bucketQuantile, orZeroOf } from './queries.ts';

const slo = [
  stat({
    title: 'Leaders',
    description: 'Nodes that hold themselves for the leader at the end of the window. Anything but 1 is an alert.',
    unit: 'none',
    query: { expr: `sum(raft_is_leader{${NODES}})`, legend: 'leaders' },
    red: { below: 1 },
  }),
  stat({
    title: 'State divergence',
    description:
      'Checkpoints at which two nodes had different state. Must be 0: anything else is lost or invented data.',
    unit: 'none',
    reduce: 'max',
    query: { expr: `sum(kv_state_divergence_total{${NODES}})`, legend: 'divergences' },
    red: { above: 1 },
  }),
  stat({
    title: 'Answered before sync',
    description: 'Writes acknowledged before a majority had them on disk, as the disk layer counts. Must be 0.',
    unit: 'none',
    reduce: 'max',
    query: { expr: `sum(kv_acknowledged_before_sync_total{${NODES}})`, legend: 'writes' },
    red: { above: 1 },
  }),
  staleReads(),
  stat({
    title: 'Leader changes',
    description: 'Times that leadership moved in this window. One for each leader that was killed; more is flapping.',
    unit: 'none',
    decimals: 0,
    query: { expr: `max(increase(raft_leader_changes_total{${NODES}}[$__range]))`, legend: 'changes' },
  }),
  stat({
    title: 'Entries',
    description: 'Entries in the state machine at the end of the window.',
    unit: 'short',
    query: { expr: `max(kv_entries{${NODES}})`, legend: 'entries' },
  }),
  ...violations(6),
  stat({
    title: 'Different states',
    description: 'State hashes of the nodes once all had applied the same index. Must be 1.',
    unit: 'none',
    width: 6,
    query: { expr: 'max(gameday_state_hashes_distinct)', legend: 'hashes' },
    red: { above: 2 },
  }),
  stat({
    title: 'Operations checked',
    description: 'Operations in the history that was checked for linearizability. 0 would prove nothing.',
    unit: 'short',
    width: 6,
    query: { expr: 'max(gameday_linearizability_operations_checked)', legend: 'operations' },
    red: { below: 1 },
  }),
];

const red = [
  timeseries({
    title: 'Proposals by outcome',
    description: 'Writes at the leader. Refused: definitely not done. Timed out: nobody knows, and retries settle it.',
    unit: 'ops',
    min: 0,
    stacked: true,
    queries: [
      { expr: `sum by (outcome) (rate(raft_proposals_total{${NODES}}[$__rate_interval]))`, legend: '{{outcome}}' },
    ],
  }),
  timeseries({
    title: 'Errors by route',
    description: 'Answers with a 5xx status. 503 NO_QUORUM while there is no leader; 507 when the disk is full.',
    unit: 'ops',
    min: 0,
    queries: [
      {
        expr: orZeroOf(
          `sum by (route) (rate(http_requests_total{${NODES},status=~"5.."}[$__rate_interval]))`,
          `sum by (route) (rate(http_requests_total{${NODES}}[$__rate_interval]))`,
        ),
        legend: '{{route}}',
      },
    ],
  }),
  timeseries({
    title: 'Commit duration',
    description: 'From proposal to applied. It contains one fsync here and one at a follower.',
    unit: 's',
    min: 0,
    queries: [
      { expr: bucketQuantile(0.99, 'raft_commit_duration_seconds', NODES), legend: 'p99' },
      { expr: bucketQuantile(0.5, 'raft_commit_duration_seconds', NODES), legend: 'p50' },
    ],
  }),
  timeseries({
    title: 'ReadIndex duration',
    description: 'What makes a read linearizable: one round of heartbeats, and the wait until it is applied here.',
    unit: 's',
    min: 0,
    queries: [
      { expr: bucketQuantile(0.99, 'raft_read_index_duration_seconds', NODES), legend: 'p99' },
      { expr: bucketQuantile(0.5, 'raft_read_index_duration_seconds', NODES), legend: 'p50' },
    ],
  }),
];

const use = [
  timeseries({
    title: 'Bytes written to the log',
    description: 'Write-ahead log of each node.',
    unit: 'Bps',
    min: 0,
    queries: [{ expr: `rate(kv_wal_bytes_written_total{${NODES}}[$__rate_interval])`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Disk space left',
    description: 'Free bytes where the data directory is. At 0 the node refuses writes and keeps what it has.',
    unit: 'bytes',
    min: 0,
    queries: [{ expr: `kv_disk_free_bytes{${NODES}}`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Peer traffic',
    description: 'Bytes that each node sends to its peers; the leader sends the most.',
    unit: 'Bps',
    min: 0,
    queries: [{ expr: `rate(raft_message_bytes_sent_total{${NODES}}[$__rate_interval])`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Peer messages by type',
    description: 'Raft messages sent by all nodes. Many votes and few appends: nobody can win an election.',
    unit: 'ops',
    min: 0,
    queries: [
      { expr: `sum by (type) (rate(raft_messages_sent_total{${NODES}}[$__rate_interval]))`, legend: '{{type}}' },
    ],
  }),
];

const telemetry = [
  timeseries({
    title: 'Checkpoints compared',
    description: 'How often nodes compare their state with each other. At 0 silence about divergence proves nothing.',
    unit: 'ops',
    min: 0,
    queries: [
      { expr: `rate(kv_state_checkpoints_compared_total{${NODES}}[$__rate_interval])`, legend: 'node {{node}}' },
    ],
  }),
  timeSinceStart(),
];

export const kv: Dashboard = dashboard({
  uid: 'gameday-kv',
  title: 'Gameday / kv',
  description: 'The Raft key-value store from the inside: consensus, storage, what it promised.',
  job: 'kv',
  rows: { slo, red, own: [...consensus, ...storage], use, k6: [], telemetry },
});
