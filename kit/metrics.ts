/**
 * The only file that imports prom-client (the project has moved to `@prometheus-io/client`, which is not at 1.0 yet), so that
 * changing the library changes this file.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export type { Counter, Gauge, Histogram } from 'prom-client';

interface MetricDescription<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Label[];
}

export interface GaugeDescription<Label extends string> extends MetricDescription<Label> {
  /** Runs before each scrape; sets a value that is read, not kept. */
  readonly collect?: (gauge: Gauge<Label>) => void;
}

export interface HistogramDescription<Label extends string> extends MetricDescription<Label> {
  /** Upper bounds, ascending, in base units. */
  readonly buckets: readonly number[];
}

/** Makes metrics and shows them; one for each node, nothing global. */
export interface Metrics {
  counter<Label extends string = never>(description: MetricDescription<Label>): Counter<Label>;
  gauge<Label extends string = never>(description: GaugeDescription<Label>): Gauge<Label>;
  histogram<Label extends string = never>(description: HistogramDescription<Label>): Histogram<Label>;
  readonly http: HttpMetrics;
  /** Runs before each scrape; sets gauges of what is known, not counted. */
  beforeScrape(show: () => void): void;
  /** The answer to a scrape. */
  exposition(): Promise<{ readonly contentType: string; readonly body: string }>;
}

/** What every HTTP application measures. `route` is the pattern (`/api/kv/:id`), so its values are bounded. */
export interface HttpMetrics {
  readonly requests: Counter<'method' | 'route' | 'status'>;
  readonly duration: Histogram<'method' | 'route'>;
  readonly inFlight: Gauge<never>;
}

export interface MetricsOptions {
  /** Values of the labels of `gameday_node_info`. */
  readonly info: { readonly system: string; readonly node: string; readonly version: string };
  /** Also process_* and nodejs_*; on unless a test wants silence. */
  readonly runtime?: boolean;
}

/**
 * Seconds. The edges are the objectives that scenarios state (5, 10, 25, 50, 100, 250, 500 ms; 1 s, 5 s), because a quantile is only
 * exact at an edge; 1 and 2.5 ms tell a read served from memory from one that waited for a peer.
 */
const HTTP_DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  const runtime = options.runtime ?? true;
  if (runtime) collectRuntimeMetrics(registry);

  function configuration<Label extends string>({ name, help, labels = [] }: MetricDescription<Label>) {
    return { name, help, labelNames: [...labels], registers: [registry] };
  }
  const counter: Metrics['counter'] = (description) => new Counter(configuration(description));
  const gauge: Metrics['gauge'] = (description) =>
    new Gauge({
      ...configuration(description),
      collect() {
        description.collect?.(this);
      },
    });
  const histogram: Metrics['histogram'] = (description) =>
    new Histogram({ ...configuration(description), buckets: [...description.buckets] });

  gauge({
    name: 'gameday_node_info',
    help: 'Always 1; the labels say which node of which system runs which version.',
    labels: ['system', 'node', 'version'],
  }).set(options.info, 1);
  if (runtime) createEventLoopMetrics(gauge);

  const shows: (() => void)[] = [];
  return {
    counter,
    gauge,
    histogram,
    http: createHttpMetrics({ counter, gauge, histogram }),
    beforeScrape: (show) => {
      shows.push(show);
    },
    exposition: async () => {
      for (const show of shows) show();
      return { contentType: registry.contentType, body: await registry.metrics() };
    },
  };
}

/** Milliseconds: longer than anything runs. */
const NEVER_MS = 2 ** 31 - 1;

/** process_* and nodejs_*, without the event loop's lag: prom-client's own monitor of it wakes an idle process 100 times a second. */
function collectRuntimeMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: NEVER_MS });
  for (const { name } of registry.getMetricsAsArray()) {
    if (name.startsWith('nodejs_eventloop_lag_')) registry.removeSingleMetric(name);
  }
}

/** Under prom-client's names, but of each turn of the loop: how long it kept what became due meanwhile waiting. */
function createEventLoopMetrics(gauge: Metrics['gauge']): void {
  const delays = monitorEventLoopDelay({ samplePerIteration: true });
  delays.enable();
  const shown = {
    min: () => delays.min,
    max: () => delays.max,
    mean: () => delays.mean,
    stddev: () => delays.stddev,
    p50: () => delays.percentile(50),
    p90: () => delays.percentile(90),
    p99: () => delays.percentile(99),
  };
  for (const [name, nanoseconds] of Object.entries(shown)) {
    gauge({
      name: `nodejs_eventloop_lag_${name}_seconds`,
      help: `Delay of the event loop since the last scrape: ${name} of all its turns.`,
      collect: (shows) => shows.set(delays.count === 0 ? 0 : nanoseconds() / 1e9),
    });
  }
  gauge({
    name: 'nodejs_eventloop_lag_seconds',
    help: 'Mean delay of the event loop since the last scrape.',
    collect: (shows) => {
      shows.set(delays.count === 0 ? 0 : delays.mean / 1e9);
      // Collected last, so that all of them are of one stretch of time.
      delays.reset();
    },
  });
}

function createHttpMetrics({
  counter,
  gauge,
  histogram,
}: Pick<Metrics, 'counter' | 'gauge' | 'histogram'>): HttpMetrics {
  return {
    requests: counter({
      name: 'http_requests_total',
      help: 'HTTP requests answered, by method, route pattern and status code.',
      labels: ['method', 'route', 'status'],
    }),
    duration: histogram({
      name: 'http_request_duration_seconds',
      help: 'Time from the arrival of a request to the end of its answer.',
      labels: ['method', 'route'],
      buckets: HTTP_DURATION_BUCKETS,
    }),
    inFlight: gauge({ name: 'http_requests_in_flight', help: 'HTTP requests being worked on.' }),
  };
}
