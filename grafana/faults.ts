/** What was broken on purpose, what it did to the clients, and how fast the system came back. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboard } from './dashboard.ts';
import { NODES, stat, timeseries } from './panels.ts';
import { operationQuantile, orZero, orZeroOf } from './queries.ts';

const slo = [
  stat({
    title: 'Faults injected',
    description: 'Faults injected so far. A scenario that promises more than it injected is inconclusive.',
    unit: 'none',
    reduce: 'max',
    query: { expr: orZero('sum(gameday_faults_injected_total)'), legend: 'faults' },
  }),
  stat({
    title: 'Faults active',
    description: 'Faults that have been injected and not healed at the end of the window.',
    unit: 'none',
    query: { expr: orZero('sum(gameday_fault_active)'), legend: 'active' },
    red: { above: 1 },
  }),
  stat({
    title: 'Longest outage of the service',
    description: 'Longest time from a fault until a client succeeded again, through any node.',
    unit: 's',
    width: 6,
    reduce: 'max',
    query: { expr: orZero('max(gameday_recovery_service_seconds)'), legend: 'service' },
  }),
  stat({
    title: 'Slowest full recovery',
    description: 'Longest time from the heal of a fault until every node was ready again.',
    unit: 's',
    width: 6,
    reduce: 'max',
    query: { expr: orZero('max(gameday_recovery_seconds)'), legend: 'recovery' },
  }),
  stat({
    title: 'Recovery objective',
    description: 'Recovery may take this long; the limit is the same at every size and time scale.',
    unit: 's',
    query: { expr: orZero('max(gameday_objective_recovery_seconds)'), legend: 'objective' },
  }),
];

const red = [
  timeseries({
    title: 'Operations, succeeded and failed',
    description: 'What the faults did to the clients. Failures should end soon after each fault began.',
    unit: 'ops',
    min: 0,
    stacked: true,
    queries: [
      { expr: 'sum(rate(k6_operations_total{outcome="ok"}[$__rate_interval]))', legend: 'ok' },
      { expr: orZero('sum(rate(k6_operations_total{outcome="failed"}[$__rate_interval]))'), legend: 'failed' },
    ],
  }),
  timeseries({
    title: 'Write and read duration, p99',
    description: 'The stall that clients feel while the system finds a new leader.',
    unit: 's',
    min: 0,
    queries: [
      { expr: operationQuantile(0.99, 'write', '$__rate_interval'), legend: 'write p99' },
      { expr: operationQuantile(0.99, 'read', '$__rate_interval'), legend: 'read p99' },
    ],
  }),
];

const own = [
  timeseries({
    title: 'Active faults',
    description: '1 while a fault is in force.',
    unit: 'none',
    min: 0,
    max: 1,
    steps: true,
    queries: [{ expr: orZero('max by (fault, kind) (gameday_fault_active)'), legend: '{{fault}} ({{kind}})' }],
  }),
  timeseries({
    title: 'Recovering for',
    description: 'Age of a recovery that is still going on, by fault. It must not pass the objective.',
    unit: 's',
    min: 0,
    queries: [
      { expr: orZero('max by (fault) (gameday_recovering_seconds)'), legend: '{{fault}}' },
      { expr: orZero('max(gameday_objective_recovery_seconds)'), legend: 'objective' },
    ],
  }),
  timeseries({
    title: 'Nodes up',
    description: 'Which node was gone, and for how long.',
    unit: 'none',
    min: 0,
    max: 1,
    steps: true,
    queries: [{ expr: `up{${NODES}}`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Phase of the run',
    description: '1 for the current phase: starting, loading, settling.',
    unit: 'none',
    min: 0,
    max: 1,
    steps: true,
    queries: [{ expr: 'max by (phase) (gameday_phase)', legend: '{{phase}}' }],
  }),
  timeseries({
    title: 'What the faults broke for good',
    description:
      'Found by the checkers after the load: all of them have to be 0. A line begins when its checker concluded.',
    unit: 'none',
    min: 0,
    queries: [
      { expr: 'max(gameday_linearizability_violations)', legend: 'entries not linearizable' },
      { expr: 'max(gameday_acknowledged_writes_lost)', legend: 'acknowledged writes lost' },
      { expr: 'max(gameday_state_hashes_distinct) - 1', legend: 'states too many' },
    ],
  }),
];

const k6 = [
  timeseries({
    title: 'Attempts that did not succeed',
    description: 'Single requests that were refused, retried or timed out, before retries hide them.',
    unit: 'ops',
    min: 0,
    queries: [
      {
        expr: orZeroOf(
          'sum by (outcome) (rate(k6_attempts_total{outcome!="ok"}[$__rate_interval]))',
          'sum by (outcome) (rate(k6_attempts_total[$__rate_interval]))',
        ),
        legend: '{{outcome}}',
      },
    ],
  }),
  timeseries({
    title: 'Attempts by node',
    description: 'Which node answered. A node that is gone has none.',
    unit: 'ops',
    min: 0,
    queries: [{ expr: 'sum by (node) (rate(k6_attempts_total[$__rate_interval]))', legend: 'node {{node}}' }],
  }),
];

export const faults: Dashboard = dashboard({
  uid: 'gameday-faults',
  title: 'Gameday / Faults',
  description: 'What was broken on purpose, what clients felt, and how fast the system came back.',
  job: '.+',
  rows: { slo, red, own, use: [], k6, telemetry: [] },
});
