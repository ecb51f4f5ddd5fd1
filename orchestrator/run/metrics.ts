/** What the orchestrator itself exports: phase, objectives, faults and recoveries. Rules join it with the system's metrics. */

import { createServer, type Server } from 'node:http';
import { createMetrics, type Metrics } from '../../kit/metrics.ts';
import type { Scenario } from '../scenario/types.ts';
import { objectiveMetricName } from '../scenario/units.ts';
import { type CheckerMetrics, createCheckerMetrics } from './checker_metrics.ts';
import { type CheckerName, type FaultRecord, injectionName, plannedInjections } from './record.ts';

export const METRIC_PHASES = ['starting', 'loading', 'settling'] as const;
export type MetricPhase = (typeof METRIC_PHASES)[number];

export interface RunMetrics {
  phase(phase: MetricPhase): void;
  fault(outcome: FaultRecord): void;
  readonly checkers: CheckerMetrics;
  exposition: Metrics['exposition'];
}

export interface RunMetricsOptions {
  readonly runId: string;
  readonly version: string;
  readonly scenario: Scenario;
  /** Undefined when Prometheus is to scrape none: then how many answer says nothing. */
  readonly nodes: number | undefined;
  /** Those that will run. */
  readonly checkers: readonly CheckerName[];
  /** Whether the service's recoveries are measured; see `SchedulerOptions`. */
  readonly probed: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export function createRunMetrics(options: RunMetricsOptions): RunMetrics {
  const { scenario } = options;
  const metrics = createMetrics({
    info: { system: 'gameday', node: 'orchestrator', version: options.version },
    runtime: false,
  });
  const phases = metrics.gauge({
    name: 'gameday_phase',
    help: '1 for the phase that the run is in.',
    labels: ['phase'],
  });
  const setPhase = (phase: MetricPhase) => {
    for (const name of METRIC_PHASES) phases.set({ phase: name }, name === phase ? 1 : 0);
  };
  metrics
    .gauge({
      name: 'gameday_run_info',
      help: 'Always 1; the labels say which run this is.',
      labels: ['run_id', 'scenario', 'system'],
    })
    .set({ run_id: options.runId, scenario: scenario.id, system: scenario.system }, 1);
  if (options.nodes !== undefined)
    metrics.gauge({ name: 'gameday_nodes_expected', help: 'Nodes that the scenario asks for.' }).set(options.nodes);
  for (const [name, objective] of Object.entries(scenario.objectives)) {
    const help = `The scenario's objective "${name}".`;
    metrics.gauge({ name: objectiveMetricName(name, objective), help }).set(objective.value);
  }
  setPhase('starting');
  return {
    phase: setPhase,
    fault: createFaultMetrics(metrics, options),
    checkers: createCheckerMetrics(metrics, options.checkers),
    exposition: metrics.exposition,
  };
}

function createFaultMetrics(metrics: Metrics, options: RunMetricsOptions): (outcome: FaultRecord) => void {
  const outcomes = new Map<string, FaultRecord>();
  const active = metrics.gauge({
    name: 'gameday_fault_active',
    help: '1 from the injection of a fault to its heal; the series exists from the start of the run.',
    labels: ['fault', 'kind', 'target'],
  });
  const count = metrics.counter({
    name: 'gameday_faults_injected_total',
    help: 'Faults injected.',
    labels: ['fault', 'kind'],
  });
  // `injection` is 1 to 100 (the schema's bound), so that a recovery that goes on is not hidden by one that has ended.
  const labels = ['fault', 'injection'];
  const service = metrics.gauge({
    name: 'gameday_recovery_service_seconds',
    help: 'From the injection to the first request of a client, begun after it, that succeeded through any node.',
    labels,
  });
  const full = metrics.gauge({
    name: 'gameday_recovery_seconds',
    help: 'From the heal until clients are served and every node is ready again.',
    labels,
  });
  const going = metrics.gauge({
    name: 'gameday_recovering_seconds',
    help: 'Age of a recovery that has not ended: of the service since the injection, of the system since the heal; 0 otherwise.',
    labels,
    collect: () => {
      for (const outcome of outcomes.values())
        going.set(labelsOf(outcome), recoveringSeconds(outcome, options.now(), options.probed));
    },
  });
  const record = (outcome: FaultRecord) => {
    const { name: fault, kind, target, injectedAt, healedAt, serviceRecoveredAt, recoveredAt } = outcome;
    const wasInjected = outcomes.get(injectionName(outcome))?.injectedAt !== undefined;
    outcomes.set(injectionName(outcome), outcome);
    const isActive = [...outcomes.values()].some((other) => other.name === fault && isInForce(other));
    active.set({ fault, kind, target }, isActive ? 1 : 0);
    count.inc({ fault, kind }, injectedAt !== undefined && !wasInjected ? 1 : 0);
    if (injectedAt !== undefined && serviceRecoveredAt !== undefined)
      service.set(labelsOf(outcome), (serviceRecoveredAt - injectedAt) / 1000);
    if (healedAt !== undefined && recoveredAt !== undefined)
      full.set(labelsOf(outcome), (recoveredAt - healedAt) / 1000);
  };
  for (const outcome of options.scenario.faults.flatMap(plannedInjections)) record(outcome);
  return record;
}

function labelsOf({ name, injection = 1 }: FaultRecord): { fault: string; injection: string } {
  return { fault: name, injection: String(injection) };
}

function isInForce({ injectedAt, healedAt }: FaultRecord): boolean {
  return injectedAt !== undefined && healedAt === undefined;
}

/** The older of the two recoveries that are going on. */
export function recoveringSeconds(outcome: FaultRecord, now: number, probed = true): number {
  const { injectedAt, healedAt, serviceRecoveredAt, recoveredAt } = outcome;
  const service = probed && injectedAt !== undefined && serviceRecoveredAt === undefined ? now - injectedAt : 0;
  const system = healedAt !== undefined && recoveredAt === undefined ? now - healedAt : 0;
  return Math.max(service, system) / 1000;
}

/** Serves `/metrics` on loopback. */
export class MetricsServer {
  readonly port: number;
  readonly #server: Server;
  #silent = false;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  /** Answers 500 until the returned function is called. */
  silence(): () => Promise<void> {
    this.#silent = true;
    return async () => {
      this.#silent = false;
    };
  }

  static async start(metrics: RunMetrics): Promise<MetricsServer> {
    const server = createServer((request, response) => {
      if (request.url !== '/metrics' || started.#silent) {
        response.writeHead(request.url === '/metrics' ? 500 : 404).end();
        return;
      }
      void metrics.exposition().then(
        ({ contentType, body }) => response.writeHead(200, { 'content-type': contentType }).end(body),
        () => response.writeHead(500).end(),
      );
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('the metrics server has no port');
    const started = new MetricsServer(server, address.port);
    return started;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}
