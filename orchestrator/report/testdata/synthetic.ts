/**
 * A run that never was, for tests of the report and for looking at it: three kv nodes, 200 operations a second, the leader killed
 * at 25 s and started again at 35 s. Numbers come from formulas, so that every test sees the same.
 */
import type { RunRecord } from '../../run/record.ts';
import type { CriterionResult, Interval, Result } from '../../verdict/types.ts';
import type { Grid } from '../../verdict/alert-state.ts';
import type { MatrixSeries } from '../../verdict/api.ts';
import type { RangeQueries } from '../panels.ts';

/** Start of the load. */
export const START = Date.UTC(2026, 2, 4, 3, 0, 5);
const SECOND = 1000;
const LOAD_SECONDS = 60;
const KILLED = 25;
const BACK = 26.2;
const RESTARTED = 35;
const READY = 36.4;
const NODES = ['127.0.0.1:41080', '127.0.0.1:41081', '127.0.0.1:41082'];

const at = (seconds: number) => START + seconds * SECOND;

/** Between 0 and 1, the same for the same arguments. */
function noise(second: number, salt: number): number {
  const value = Math.sin(second * 12.9898 + salt * 78.233) * 43_758.5453;
  return value - Math.floor(value);
}

interface Line {
  readonly labels: Readonly<Record<string, string>>;
  /** By seconds since the start of the load; null is a gap. */
  readonly value: (second: number) => number | null;
}

const down = (second: number) => second >= KILLED && second < RESTARTED;
const leaderless = (second: number) => second >= KILLED && second <= BACK;
const loaded = (second: number) => second >= 1 && second <= LOAD_SECONDS + 1;
const progress = (second: number) => Math.max(0, Math.min(LOAD_SECONDS, second));

/** One line for each node; node 0 led, was killed and came back. */
function nodes(value: (second: number, node: number) => number | null): Line[] {
  return NODES.map((instance, node) => ({
    labels: { instance, job: 'kv', node: String(node) },
    value: (second) => (node === 0 && down(second) ? null : value(second, node)),
  }));
}

function by(label: string, values: Readonly<Record<string, (second: number) => number | null>>): Line[] {
  return Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }));
}

function buckets(bounds: readonly number[], typical: number): Line[] {
  return [...bounds.map(String), '+Inf'].map((le) => ({
    labels: { le },
    value: (second) => {
      if (!loaded(second)) return 0;
      const center = typical * (leaderless(second - 1) ? 30 : 0.8 + noise(second, 1) * 0.5);
      return le === '+Inf' ? 200 : 200 / (1 + (center / Number(le)) ** 3);
    },
  }));
}

const stall = (second: number) => (second >= KILLED && second < KILLED + 5 ? 1 : 0);
const rate = (each: number) => (second: number) => (loaded(second) ? each * (0.95 + noise(second, each) * 0.1) * (leaderless(second) ? 0.45 : 1) : 0);
const duration = (base: number) => (second: number) => (loaded(second) ? base * (0.85 + noise(second, base) * 0.4) + stall(second) * (1.1 - (second - KILLED) * 0.2) : null);
const single = (value: (second: number) => number | null): Line[] => [{ labels: {}, value }];

/** The first pattern that an expression contains gives its lines. */
const ANSWERS: readonly (readonly [RegExp, Line[]])[] = [
  [/^max by \(alertname, severity\) \(ALERTS/, [
      { labels: { alertname: 'KvNoLeader', severity: 'critical' }, value: (second) => (second >= 26 && second <= 28 ? 1 : null) },
      { labels: { alertname: 'RecoveryTooSlow', severity: 'warning' }, value: (second) => (second >= 35 && second <= 36 ? 1 : null) },
    ]],
  [/count\(count by \(alertname/, single((second) => (second < 26 ? 0 : second < 35 ? 1 : 2))],
  [/count\(ALERTS.*firing/, single((second) => (second >= 26 && second <= 28 ? 1 : 0))],
  [/count\(ALERTS.*pending/, single((second) => (second === 25 || (second >= 35 && second < 37) ? 1 : 0))],
  [/1 - \(1 - \(sum/, single((second) => (second < KILLED ? 1 : 0.62))],
  [/outcome="ok".*\[[67]\ds\]/, single((second) => (second < KILLED ? 1 : 0.999_62))],
  [/outcome="ok"\}\[\d+s\]\)\) \/ sum/, single((second) => (loaded(second) ? 1 - (leaderless(second) ? 0.012 : 0) : null))],
  [/objective_availability/, single(() => 0.999)],
  [/objective_write_p99/, single(() => 0.05)],
  [/objective_read_p99/, single(() => 0.025)],
  [/recovering_seconds/, by('fault', { 'leader-kill': (second) => (second >= KILLED && second < READY ? second - KILLED : 0) })],
  [/objective_recovery/, single(() => 10)],
  [/recovery_service/, single((second) => (second < BACK ? 0 : BACK - KILLED))],
  [/recovery_seconds/, single((second) => (second < READY ? 0 : READY - KILLED))],
  [/fault_active/, [{ labels: { fault: 'leader-kill', kind: 'kill' }, value: (second) => (down(second) ? 1 : 0) }]],
  [/faults_injected/, single((second) => (second < KILLED ? 0 : 1))],
  [/histogram_quantile\(0.99.*operation="write"/, single(duration(0.018))],
  [/histogram_quantile\(0.5,.*operation="write"/, single((second) => (loaded(second) ? 0.006 + noise(second, 5) * 0.001 : null))],
  [/histogram_quantile\(0.99.*operation="read"/, single(duration(0.009))],
  [/histogram_quantile\(0.5,.*operation="read"/, single((second) => (loaded(second) ? 0.003 + noise(second, 6) * 0.001 : null))],
  [/operation\) .*failed/, by('operation', { read: () => 0, write: (second) => (leaderless(second) ? 0.6 : 0) })],
  [/k6_operations_total\{outcome="failed/, single((second) => (leaderless(second) ? 0.6 : 0))],
  [/by \(operation\)/, by('operation', { read: rate(100), write: rate(100) })],
  [/k6_operations/, single(rate(200))],
  [/attempts.*!="ok"/, by('outcome', { retried: (second) => (leaderless(second) ? 22 : 0), timeout: (second) => (leaderless(second) ? 3 : 0) })],
  [/by \(node\)/, by('node', { 0: (second) => (down(second) ? 0 : 67), 1: rate(66), 2: rate(67) })],
  [/attempts.*|by \(outcome\)/, by('outcome', { committed: rate(100), ok: rate(200), retried: (second) => (leaderless(second) ? 22 : 0) })],
  [/http_requests_total.*5\.\./, by('route', { '/api/kv': (second) => (leaderless(second) ? 14 : 0), '/api/kv/:id': (second) => (leaderless(second) ? 9 : 0) })],
  [/by \(status\)/, by('status', { 200: rate(100), 201: rate(100), 503: (second) => (leaderless(second) ? 23 : 0) })],
  [/fsync.*by|by \(le\).*fsync/, buckets([0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1], 0.0016)],
  [/^sum by \(le\)/, buckets([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5], 0.004)],
  [/histogram_quantile.*by \(le, node\)/, nodes((second, node) => (loaded(second) ? 0.004 + noise(second, node) * 0.003 + stall(second) * 0.2 : 0.001))],
  [/histogram_quantile\(0.99/, single(duration(0.011))],
  [/histogram_quantile\(0.5/, single((second) => (loaded(second) ? 0.004 + noise(second, 8) * 0.001 : null))],
  [/sum\(raft_is_leader/, single((second) => (leaderless(second) ? 0 : 1))],
  [/raft_is_leader/, nodes((second, node) => (second < KILLED ? Number(node === 0) : leaderless(second) ? 0 : Number(node === 2)))],
  [/raft_term/, nodes((second) => (second < BACK ? 2 : 3))],
  [/elections_started/, by('kind', { pre: (second) => stall(second) * 2, real: (second) => stall(second) })],
  [/raft_has_leader/, single((second) => (leaderless(second) ? 2 : 0))],
  [/leaderless_seconds/, single((second) => stall(second) * 0.25)],
  [/commit_index.*applied_index/, nodes((second, node) => Math.round(noise(second, node) * 2))],
  [/last_log_index.*first_log_index/, nodes((second) => (progress(second) * 100) % 4096)],
  [/follower_lag/, by('peer', { 1: (second) => Math.round(noise(second, 2) * 3), 0: (second) => (down(second) ? (second - KILLED) * 100 : Math.round(noise(second, 3) * 3)) })],
  [/last_contact/, by('peer', { 1: (second) => 0.02 + noise(second, 2) * 0.04, 0: (second) => (down(second) ? second - KILLED : 0.04) })],
  [/raft_members/, by('kind', { learner: () => 0, voter: () => 3 })],
  [/raft_snapshots/, by('event', { created: (second) => Math.floor(progress(second) / 20), received: () => 0, sent: () => 0 })],
  [/messages_sent/, by('type', { append: rate(420), 'append-response': rate(400), 'request-vote': (second) => stall(second) * 3 })],
  [/bytes_sent|wal_bytes/, nodes((second, node) => (loaded(second) ? 48_000 * (1 + node * 0.2) * (0.9 + noise(second, node) * 0.2) : 900))],
  [/resident_memory/, nodes((second, node) => 92e6 + node * 3e6 + progress(second) * 2.4e5 + noise(second, node) * 2e6)],
  [/disk_free/, nodes(() => 38e9)],
  [/state_bytes/, nodes((second) => progress(second) * 21_000)],
  [/max\(kv_entries/, single((second) => Math.round(progress(second) * 100))],
  [/kv_entries|commit_index/, nodes((second) => Math.round(progress(second) * 100))],
  [/cpu_seconds/, nodes((second, node) => (loaded(second) ? 0.16 + node * 0.03 + noise(second, node) * 0.05 : 0.02))],
  [/eventloop/, nodes((second, node) => 0.011 + noise(second, node) * 0.004)],
  [/in_flight/, nodes((second, node) => Math.round(noise(second, node) * 3) + stall(second) * 40)],
  [/gc_duration/, nodes((second, node) => 0.006 + noise(second, node) * 0.004)],
  [/open_fds/, nodes((_, node) => 41 + node)],
  [/wal_records/, nodes((second, node) => (loaded(second) ? 2.2 + noise(second, node) : null))],
  [/acknowledged_writes/, nodes((second, node) => (loaded(second) ? 33 + noise(second, node) * 4 : 0))],
  [/start_time/, nodes((second, node) => second + 12 - (node === 0 && second >= RESTARTED ? RESTARTED + 12 : 0))],
  [/sum\(up/, single((second) => (down(second) ? 2 : 3))],
  [/nodes_expected/, single(() => 3)],
  [/^up/, NODES.map((instance, node) => ({ labels: { instance, job: 'kv' }, value: (second: number) => (node === 0 && down(second) ? 0 : 1) }))],
  [/scrape_duration/, nodes((second, node) => 0.003 + noise(second, node) * 0.002)],
  [/phase/, by('phase', { starting: (second) => Number(second < 0), loading: (second) => Number(second >= 0 && second <= LOAD_SECONDS), settling: (second) => Number(second > LOAD_SECONDS) })],
  [/k6_vus_max/, single((second) => (loaded(second) ? 80 : null))],
  [/k6_vus/, single((second) => (loaded(second) ? 3 + Math.round(noise(second, 4) * 2) + stall(second) * 38 : null))],
  [/dropped/, single(() => 0)],
  [/iterations/, single(rate(200))],
  [/leader_changes/, single((second) => (second < BACK ? 0 : 1))],
  [/checkpoints_compared/, nodes((second) => (loaded(second) ? 1 : 0))],
];

/** Answers any query of the dashboards with lines of the run above; zeros for what it does not know. */
export class SyntheticQueries implements RangeQueries {
  async queryRange(expr: string, grid: Grid): Promise<MatrixSeries[]> {
    const lines = ANSWERS.find(([pattern]) => pattern.test(expr))?.[1] ?? single(() => 0);
    return lines.map(({ labels, value }) => {
      const points: [number, number][] = [];
      for (let time = grid.fromMs; time <= grid.toMs; time += grid.stepMs) {
        const sample = value((time - START) / SECOND);
        if (sample !== null) points.push([time, sample]);
      }
      return { labels, points, histograms: [] };
    });
  }
}

const WINDOW = { from: at(0), to: at(70) };

function criterion(alert: string, result: Result, reason: string, more: Partial<CriterionResult> = {}): CriterionResult {
  return {
    alert,
    expect: 'silent',
    result,
    reason,
    window: WINDOW,
    pending: [],
    firing: [],
    alertsSeries: more.firing ?? [],
    faultsActive: [],
    expr: `sum(rate(k6_operations_total{outcome="failed"}[10s])) / sum(rate(k6_operations_total[10s])) > 0.001`,
    for: 2_000,
    annotations: { summary: 'One sentence that says what is wrong' },
    labels: { severity: 'critical', system: 'kv' },
    ...more,
  };
}

function fired(from: number, to: number, peak: number): Interval[] {
  return [{ from: at(from), to: at(to), labels: { job: 'kv' }, peak }];
}

const PASSED = [
  criterion('KvNoLeader', 'pass', 'It fired 1.2 s after leader-kill was injected, as expected, and was silent elsewhere.', {
    expect: 'firing',
    during: 'leader-kill',
    withinMs: 10_000,
    firing: fired(26, 28, 0),
    pending: fired(25, 26, 0),
    faultsActive: ['leader-kill'],
    annotations: { summary: 'No node holds itself for the leader' },
  }),
  criterion('KvStateDivergence', 'pass', 'It was silent from the start of the load to the end of settling.', { annotations: { summary: 'Two nodes have different state at one checkpoint' } }),
  criterion('AvailabilityBelowObjective', 'pass', 'It was silent; availability was 99.962 % of 12,004 operations.', { annotations: { summary: 'Fewer operations succeed than promised' } }),
];

const FAILED = criterion('RecoveryTooSlow', 'fail', 'It fired at +0:35 for 1 s during leader-kill: the recovery took 11.4 s, and its objective is 10 s.', {
  firing: fired(35, 36, 11.4),
  pending: fired(34, 35, 10.2),
  faultsActive: ['leader-kill'],
  annotations: { summary: 'A recovery takes longer than its objective' },
});

const UNSURE = criterion('FollowerLag', 'inconclusive', 'There is no data for raft_follower_lag_entries between +0:24 and +0:37, so silence proves nothing.', {
  annotations: { summary: 'A follower stays behind the leader' },
});

/** A complete run with the verdict asked for. */
export function syntheticRecord(result: Result): RunRecord {
  const criteria = result === 'pass' ? PASSED : result === 'fail' ? [...PASSED, UNSURE, FAILED] : [...PASSED, UNSURE];
  return {
    version: 1,
    id: '20260304T030000Z-kv-leader-kill-7f3a',
    scenario: {
      version: 1,
      id: 'kv-leader-kill',
      title: 'The leader is killed in the middle of a steady load',
      system: 'kv',
      nodes: 3,
      load: { script: 'kv/steady.ts', profile: 'load', ratePerSecond: 200, durationMs: LOAD_SECONDS * SECOND, deadlineMs: 5 * SECOND, history: true },
      objectives: {
        availability: { unit: 'ratio', value: 0.999 },
        write_p99: { unit: 'seconds', value: 0.05 },
        recovery: { unit: 'seconds', value: 10 },
      },
      faults: [{ name: 'leader-kill', kind: 'kill', target: 'leader', parameters: {}, atMs: KILLED * SECOND, healAfterMs: 10 * SECOND }],
      criteria: criteria.map(({ alert, expect, during, withinMs }) => ({ alert, expect, ...(during && { during }), ...(withinMs && { withinMs }) })),
      settleMs: 10_000,
      overlay: 'none',
      timeScale: 1,
    },
    scenarioPath: 'scenarios/kv/leader-kill.yaml',
    system: 'kv',
    seed: 42,
    gamedayVersion: '0.1.0',
    tools: { k6: '2.2.0', prometheus: '3.15.0' },
    runtime: { node: 'v26.10.0', platform: 'linux-x64', cpus: 2, memoryBytes: 25_000_000_000 },
    startedAt: at(-12),
    phases: [
      { name: 'starting', from: at(-12), to: at(0) },
      { name: 'loading', from: at(0), to: at(61) },
      { name: 'settling', from: at(61), to: at(71) },
      { name: 'stopping', from: at(71), to: at(73) },
      { name: 'judging', from: at(73), to: at(76) },
    ],
    nodes: NODES.map((instance, index) => ({ index, url: `http://${instance}`, ports: { http: 41_080 + index }, pid: 4100 + index, log: `logs/node-${index}.log` })),
    faults: [
      {
        name: 'leader-kill',
        kind: 'kill',
        target: 'leader',
        node: 0,
        injectedAt: at(KILLED),
        healedAt: at(RESTARTED),
        serviceRecoveredAt: at(BACK),
        recoveredAt: at(READY),
        healthBefore: '3/3',
        healthAfter: '3/3',
      },
    ],
    load: { script: 'kv/steady.ts', from: at(0), to: at(61), exitCode: 0, summaryPath: 'k6-summary.json', logPath: 'logs/k6.log' },
    inconclusive: [],
    verdict: {
      result,
      criteria,
      reasons: criteria.filter((entry) => entry.result !== 'pass').sort((a, b) => (a.result < b.result ? -1 : 1)).map((entry) => `${entry.alert}: ${entry.reason}`),
      judgedAt: at(76),
    },
  };
}

/** A run that SIGINT ended in the middle of the fault. */
export function interruptedRecord(): RunRecord {
  const { verdict: _, ...rest } = syntheticRecord('pass');
  return {
    ...rest,
    phases: [{ name: 'starting', from: at(-12), to: at(0) }, { name: 'loading', from: at(0) }],
    faults: [{ name: 'leader-kill', kind: 'kill', target: 'leader', node: 0, injectedAt: at(KILLED), healthBefore: '3/3' }],
    load: { script: 'kv/steady.ts', from: at(0), summaryPath: 'k6-summary.json', logPath: 'logs/k6.log' },
    interrupted: { signal: 'SIGINT', at: at(31) },
  };
}

export const RUNBOOKS: ReadonlyMap<string, string> = new Map([
  [
    'RecoveryTooSlow',
    '# RecoveryTooSlow\n\n## Meaning\n\nA fault was healed and the nodes were not all ready within `recovery`.\n\n## Impact\n\nA second fault now would cost availability.\n\n## Diagnosis\n\n1. *Who leads* in the kv dashboard: a staircase of terms means split votes.\n2. *Follower lag*: a ramp that does not fall is a follower that catches up by snapshot.\n\n## Mitigation\n\n- Restart the node that lags; see [the Raft thesis](https://github.com/ongardie/dissertation) and [operations](../guides/operations.md).\n<script>alert(1)</script>\n',
  ],
  ['KvNoLeader', '# KvNoLeader\n\n## Meaning\n\nNo node leads.\n'],
]);

/** As k6's handleSummary gives it. */
export const K6_SUMMARY = JSON.stringify({
  metrics: {
    operation_duration: { type: 'trend', contains: 'time', values: { avg: 8.2, min: 1.1, med: 4.6, max: 1204.5, 'p(90)': 11.4, 'p(95)': 14.9, 'p(99)': 38.2 }, thresholds: { 'p(99)<50': { ok: true } } },
    http_req_duration: { type: 'trend', contains: 'time', values: { avg: 7.9, min: 0.9, med: 4.4, max: 1101.2, 'p(90)': 11.1, 'p(95)': 14.2, 'p(99)': 36.5 } },
    operations: { type: 'counter', contains: 'default', values: { count: 12_004, rate: 199.9 } },
    dropped_iterations: { type: 'counter', contains: 'default', values: { count: 0, rate: 0 }, thresholds: { 'count<1': { ok: true } } },
    http_req_failed: { type: 'rate', contains: 'default', values: { rate: 0.0021, passes: 26, fails: 11_978 } },
    vus: { type: 'gauge', contains: 'default', values: { value: 4, min: 3, max: 41 } },
  },
});
