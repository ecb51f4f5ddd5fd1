/** The first page to open: does the system keep its promise, and if not, since when and where. */

import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { violations } from './correctness.ts';
import { dashboard } from './dashboard.ts';
import { heatmap, NODES, stat, timeseries } from './panels.ts';
import { availability, bucketQuantile, operationQuantile, orZero, orZeroOf } from './queries.ts';

const slo = [
  stat({
    title: 'Alerts that fired',
    description: 'Different alerts that fired in the whole window; one that was expected counts too.',
    unit: 'none',
    query: {
      expr: orZero('count(count by (alertname) (count_over_time(ALERTS{alertstate="firing"}[$__range])))'),
      legend: 'alerts',
    },
  }),
  stat({
    title: 'Availability',
    description:
      'Share of client operations in the whole window that succeeded within their deadline, retries included.',
    unit: 'percentunit',
    decimals: 3,
    query: { expr: availability('$__range'), legend: 'availability' },
  }),
  stat({
    title: 'Error budget left',
    description:
      'What remains of the failures that the availability objective allows. Below 0 the objective is broken.',
    unit: 'percentunit',
    decimals: 0,
    query: {
      // An objective of 100 % has no budget: 0 / 0 is no number, and nothing is lost as long as nothing failed.
      expr: `1 - (1 - (${availability('$__range')})) / (1 - max(gameday_objective_availability_ratio)) <= 1 or (${availability('$__range')}) >= max(gameday_objective_availability_ratio)`,
      legend: 'budget left',
    },
    red: { below: 0 },
  }),
  stat({
    title: 'Write p99',
    description: '99 % of the writes in the whole window took at most this long, as the client saw it.',
    unit: 's',
    query: { expr: operationQuantile(0.99, 'write', '$__range'), legend: 'write p99' },
  }),
  stat({
    title: 'Read p99',
    description: '99 % of the reads in the whole window took at most this long, as the client saw it.',
    unit: 's',
    query: { expr: operationQuantile(0.99, 'read', '$__range'), legend: 'read p99' },
  }),
  stat({
    title: 'Recovery',
    description:
      'Longest time from the heal of a fault until every node was ready again, or that it has taken so far; 0 before the first fault.',
    unit: 's',
    reduce: 'max',
    query: { expr: orZero('max(gameday_recovery_seconds or gameday_recovering_seconds)'), legend: 'recovery' },
  }),
  ...violations(8),
  stat({
    title: 'Checkers without a result',
    description:
      'Checkers whose result is still to come, or will not come. Above 0 at the end, silence proves nothing.',
    unit: 'none',
    width: 8,
    query: { expr: orZero('count(gameday_checker_pending)'), legend: 'checkers' },
    red: { above: 1 },
  }),
  timeseries({
    title: 'Availability against its objective',
    description: 'Share of client operations that succeed. A dip under the dashed objective spends error budget.',
    unit: 'percentunit',
    max: 1,
    queries: [
      { expr: availability('$__rate_interval'), legend: 'availability' },
      { expr: 'max(gameday_objective_availability_ratio)', legend: 'objective' },
    ],
  }),
  timeseries({
    title: 'Alerts',
    description: 'How many alerts fire or are pending. Which ones: the red marks above each chart, and the verdict.',
    unit: 'none',
    min: 0,
    steps: true,
    queries: [
      { expr: orZero('count(ALERTS{alertstate="firing"})'), legend: 'firing' },
      { expr: orZero('count(ALERTS{alertstate="pending"})'), legend: 'pending' },
    ],
  }),
];

const red = [
  timeseries({
    title: 'Operations',
    description:
      'Client operations that ended, by kind. The load is an open model: a drop means that answers are late.',
    unit: 'ops',
    min: 0,
    queries: [{ expr: 'sum by (operation) (rate(k6_operations_total[$__rate_interval]))', legend: '{{operation}}' }],
  }),
  timeseries({
    title: 'Failed operations',
    description: 'Client operations that did not succeed within their deadline, retries included.',
    unit: 'ops',
    min: 0,
    queries: [
      {
        expr: orZeroOf(
          'sum by (operation) (rate(k6_operations_total{outcome="failed"}[$__rate_interval]))',
          'sum by (operation) (rate(k6_operations_total[$__rate_interval]))',
        ),
        legend: '{{operation}} failed',
      },
    ],
  }),
  timeseries({
    title: 'Write duration',
    description: 'As the client saw it, retries included. p99 over its objective for long is an alert.',
    unit: 's',
    min: 0,
    queries: [
      { expr: operationQuantile(0.99, 'write', '$__rate_interval'), legend: 'p99' },
      { expr: operationQuantile(0.5, 'write', '$__rate_interval'), legend: 'p50' },
      { expr: 'max(gameday_objective_write_p99_seconds)', legend: 'objective p99' },
    ],
  }),
  timeseries({
    title: 'Read duration',
    description: 'As the client saw it, retries included. p99 over its objective for long is an alert.',
    unit: 's',
    min: 0,
    queries: [
      { expr: operationQuantile(0.99, 'read', '$__rate_interval'), legend: 'p99' },
      { expr: operationQuantile(0.5, 'read', '$__rate_interval'), legend: 'p50' },
      { expr: 'max(gameday_objective_read_p99_seconds)', legend: 'objective p99' },
    ],
  }),
  timeseries({
    title: 'HTTP requests by status',
    description: 'What the nodes answered. 5xx during a fault is expected; outside of one it is not.',
    unit: 'ops',
    min: 0,
    stacked: true,
    queries: [
      { expr: `sum by (status) (rate(http_requests_total{${NODES}}[$__rate_interval]))`, legend: '{{status}}' },
    ],
  }),
  heatmap({
    title: 'HTTP request duration',
    description: 'Requests a second by how long the nodes took. A second band far above the first one is a stall.',
    unit: 's',
    expr: `sum by (le) (rate(http_request_duration_seconds_bucket{${NODES}}[$__rate_interval]))`,
  }),
];

const own = [
  timeseries({
    title: 'Nodes that answer',
    description: 'Nodes that Prometheus could scrape, against those the run expects.',
    unit: 'none',
    min: 0,
    steps: true,
    queries: [
      { expr: 'sum(up{job=~"$job",job!="gameday"})', legend: 'up' },
      { expr: 'max(gameday_nodes_expected)', legend: 'expected' },
    ],
  }),
  timeseries({
    title: 'Request duration by node, p99',
    description: 'Which node is slow. All at once: the leader or the disk; one: that node or its link.',
    unit: 's',
    min: 0,
    queries: [
      { expr: bucketQuantile(0.99, 'http_request_duration_seconds', NODES, ['node']), legend: 'node {{node}}' },
    ],
  }),
];

const use = [
  timeseries({
    title: 'CPU',
    description: 'Cores used by each node. At 1 a node has no more to give: it runs on one thread.',
    unit: 'none',
    min: 0,
    queries: [{ expr: `rate(process_cpu_seconds_total{${NODES}}[$__rate_interval])`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Memory',
    description: 'Resident memory of each node. A line that only climbs is a leak.',
    unit: 'bytes',
    min: 0,
    queries: [{ expr: `process_resident_memory_bytes{${NODES}}`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Event loop delay, p99',
    description: 'How long a ready callback waits. Above the heartbeat interval it starts elections.',
    unit: 's',
    min: 0,
    queries: [{ expr: `nodejs_eventloop_lag_p99_seconds{${NODES}}`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Requests in flight',
    description: 'Requests that a node has accepted and not answered. At its bound it refuses with OVERLOADED.',
    unit: 'none',
    min: 0,
    queries: [{ expr: `sum by (node) (http_requests_in_flight{${NODES}})`, legend: 'node {{node}}' }],
  }),
  timeseries({
    title: 'Garbage collection',
    description: 'Share of the time spent collecting garbage.',
    unit: 'percentunit',
    min: 0,
    queries: [
      {
        expr: `sum by (node) (rate(nodejs_gc_duration_seconds_sum{${NODES}}[$__rate_interval]))`,
        legend: 'node {{node}}',
      },
    ],
  }),
  timeseries({
    title: 'Open files',
    description: 'File descriptors by node, sockets included. A line that only climbs is a leak.',
    unit: 'none',
    min: 0,
    queries: [{ expr: `process_open_fds{${NODES}}`, legend: 'node {{node}}' }],
  }),
];

const k6 = [
  timeseries({
    title: 'Virtual users',
    description: 'Users that k6 holds busy to keep the arrival rate; at the maximum it starts to drop iterations.',
    unit: 'none',
    min: 0,
    queries: [
      { expr: 'sum(k6_vus)', legend: 'busy' },
      { expr: 'sum(k6_vus_max)', legend: 'allocated' },
    ],
  }),
  timeseries({
    title: 'Iterations',
    description: 'Started iterations, and those that k6 had to drop: with drops the load was not what was asked for.',
    unit: 'ops',
    min: 0,
    queries: [
      { expr: 'sum(rate(k6_iterations_total[$__rate_interval]))', legend: 'done' },
      { expr: orZero('sum(rate(k6_dropped_iterations_total[$__rate_interval]))'), legend: 'dropped' },
    ],
  }),
  timeseries({
    title: 'Attempts by outcome',
    description: 'Single requests of the client, before retries hide them. A refusal is definite, a time-out is not.',
    unit: 'ops',
    min: 0,
    queries: [{ expr: 'sum by (outcome) (rate(k6_attempts_total[$__rate_interval]))', legend: '{{outcome}}' }],
  }),
  timeseries({
    title: 'Stale reads',
    description: 'Acknowledged writes that a later linearizable read did not see, so far. Must stay 0.',
    unit: 'none',
    min: 0,
    steps: true,
    queries: [{ expr: orZero('sum(k6_stale_reads_total)'), legend: 'stale reads' }],
  }),
];

const telemetry = [
  timeseries({
    title: 'Targets up',
    description: 'Whether each target was scraped. Without data a criterion is inconclusive, never passed.',
    unit: 'none',
    min: 0,
    max: 1,
    steps: true,
    queries: [{ expr: 'up', legend: '{{job}} {{node}}' }],
  }),
  timeseries({
    title: 'Scrape duration',
    description: 'Time to read each target. Close to the scrape interval, samples get lost.',
    unit: 's',
    min: 0,
    queries: [{ expr: 'scrape_duration_seconds', legend: '{{job}} {{node}}' }],
  }),
];

export const overview: Dashboard = dashboard({
  uid: 'gameday-overview',
  title: 'Gameday / Overview',
  description: 'Does the system keep its promise under load and under fault?',
  job: '.+',
  rows: { slo, red, own, use, k6, telemetry },
});
