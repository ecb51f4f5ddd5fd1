/**
 * The part of a run that is observed: nodes and Prometheus come up, k6 loads, faults strike, the last scrapes settle, everything
 * stops. What is left is the run directory.
 */
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../kit/errors.ts';
import type { SystemManifest } from '../../kit/system.ts';
import { Child } from '../cluster/child.ts';
import { Cluster, readyTimeoutMs } from '../cluster/cluster.ts';
import { ElsewhereCluster } from '../cluster/elsewhere.ts';
import { reservePorts } from '../cluster/ports.ts';
import { manifestOf, obtainPreviousVersion } from '../cluster/previous_version.ts';
import type { ProcessRegistry } from '../cluster/registry.ts';
import { releaseOf } from '../cluster/releases.ts';
import { systemClock } from '../faults/clock.ts';
import { loadEnvironment } from '../load/environment.ts';
import { K6, LoadError, thresholdsCrossed } from '../load/k6.ts';
import { loadTimeMaxMs } from '../scenario/load_plan.ts';
import { type Prometheus, startPrometheus } from '../verdict/prometheus.ts';
import { runCheckers } from './checkers.ts';
import { ClockWatch } from './clock_watch.ts';
import { faultStep } from './events.ts';
import type { Journal } from './journal.ts';
import { createRunMetrics, MetricsServer, type RunMetrics } from './metrics.ts';
import type { ConductOptions, Tools } from './options.ts';
import { writePrometheusFiles, writeTargets } from './prometheus_files.ts';
import { CHECKERS, type CheckerName, type FaultRecord, injectionName, type PhaseName, RUN_FILES } from './record.ts';
import { missingSamples, RemoteCopy } from './remote_copy.ts';
import { RunFaults } from './run_faults.ts';
import { nodeTarget, untilScraped } from './scrape.ts';
import { seriesRules } from './series_rules.ts';
import { ruleFiles, toolPaths } from './systems.ts';

const FOLLOW_MS = 1000;
/** How long a run waits at its end for the copy that goes elsewhere: in peace, and when it was interrupted. */
const COPY_MS = { normal: 30_000, interrupted: 1000 };
/** From a checker's result to the second evaluation of a rule that has seen it: a scrape, `rule_query_offset`, two evaluations. */
const RESULTS_SEEN_MS = 7000;
/** k6 may take so much longer than the load: the last operations' deadline and the summary. */
const LOAD_OVERTIME_MS = 60_000;
/** How long children may take to end by themselves: in peace, and when an interrupted run has seven seconds in all. */
const GRACE_MS = { normal: 8000, interrupted: 1500 };

export async function observe(
  options: ConductOptions,
  journal: Journal,
  registry: ProcessRegistry,
  tools: Tools,
): Promise<void> {
  const observation = new Observation(options, journal, registry, tools);
  try {
    await observation.start();
    await observation.load();
    await observation.settle();
  } finally {
    try {
      observation.enter('stopping', 0);
    } finally {
      await observation.stop(options.signal.aborted ? GRACE_MS.interrupted : GRACE_MS.normal);
    }
  }
}

class Observation {
  readonly #options: ConductOptions;
  readonly #journal: Journal;
  readonly #tools: Tools;
  readonly #metrics: RunMetrics;
  readonly #registry: ProcessRegistry;
  readonly #faults: RunFaults;
  readonly #clock = new ClockWatch();
  /** Where everything is sent as well. */
  readonly #copy: RemoteCopy | undefined;
  #server: MetricsServer | undefined;
  #cluster: Cluster | ElsewhereCluster | undefined;
  #prometheus: Prometheus | undefined;
  #k6: K6 | undefined;
  #loadStartedAt = 0;

  constructor(options: ConductOptions, journal: Journal, registry: ProcessRegistry, tools: Tools) {
    const { scenario } = options.loaded;
    this.#options = options;
    this.#journal = journal;
    this.#tools = tools;
    this.#registry = registry;
    this.#copy = options.remoteWrite && new RemoteCopy(options.remoteWrite, journal.directory);
    this.#metrics = createRunMetrics({
      runId: journal.directory.id,
      version: journal.record.gamedayVersion,
      scenario,
      nodes: options.loaded.manifest.metrics === undefined ? undefined : scenario.nodes,
      checkers: expectedCheckers(options.loaded.manifest),
      probed: options.loaded.manifest.paths?.probe !== undefined,
      now: systemClock.now,
    });
    this.#faults = new RunFaults({
      ...{ loaded: options.loaded, root: options.root, seed: options.seed, registry, tools },
      runDirectory: journal.directory.path,
      silencers: { orchestrator: () => this.#server!.silence(), load: () => this.#k6!.pause() },
      onChange: (outcome) => this.#faultChanged(outcome),
    });
  }

  enter(phase: PhaseName, expectedMs: number): void {
    this.#journal.enter(phase);
    if (phase === 'starting' || phase === 'loading' || phase === 'settling') this.#metrics.phase(phase);
    this.#options.emit({ type: 'phase', phase, expectedMs });
  }

  /** Nodes and Prometheus at once; then waits until Prometheus has seen every node. */
  async start(): Promise<void> {
    const { options, path } = { options: this.#options, path: this.#journal.directory.path };
    options.emit({ type: 'phase', phase: 'starting', expectedMs: 0 });
    this.#server = await MetricsServer.start(this.#metrics);
    const { home, manifest } = options.loaded;
    const files = ruleFiles(options.root, home, manifest.files.rules);
    const { configFile } = writePrometheusFiles(options.root, path, files, seriesRules(manifest), (document) =>
      this.#copy?.configure(document),
    );
    const [cluster, prometheus] = await Promise.allSettled([this.#startCluster(), this.#startPrometheus(configFile)]);
    if (cluster.status === 'fulfilled') this.#cluster = cluster.value;
    if (prometheus.status === 'fulfilled') this.#prometheus = prometheus.value;
    if (cluster.status === 'rejected') throw cluster.reason;
    if (prometheus.status === 'rejected') throw prometheus.reason;
    options.emit({ type: 'prometheus', url: prometheus.value.url });
    this.#noteNodes();
    writeTargets(path, this.#targets(cluster.value.nodes));
    await this.#untilScraped();
    if (manifest.release !== undefined)
      this.#journal.update({ release: await releaseOf(cluster.value.nodes, manifest.release, options.signal) });
  }

  async load(): Promise<void> {
    const { scenario } = this.#options.loaded;
    this.#k6 = await this.#startK6();
    this.#loadStartedAt = await this.#k6.running(this.#options.signal);
    this.enter('loading', scenario.load.durationMs);
    const { logPath, summaryPath } = LOAD_FILES;
    this.#journal.update({ load: { script: scenario.load.script, from: this.#loadStartedAt, summaryPath, logPath } });
    this.#startFaults();
    this.#clock.start();
    try {
      await this.#follow(this.#k6);
    } catch (error) {
      this.#faults.abort(error);
      throw error;
    }
  }

  /** Waits for recoveries, checkers and the last scrapes. */
  async settle(): Promise<void> {
    const { loaded, signal } = this.#options;
    const { settleMs } = loaded.scenario;
    this.enter('settling', settleMs);
    const settledAt = Date.now() + settleMs;
    const broken = await this.#faults.finish();
    this.#faults.assertLinked();
    await this.#check();
    await systemClock.until(Math.max(settledAt, Date.now() + RESULTS_SEEN_MS), signal);
    if (this.#prometheus?.hasEnded()) broken.push('Prometheus ended before the run did: see logs/prometheus.log');
    this.#journal.update({ inconclusive: [...this.#journal.record.inconclusive, ...broken] });
  }

  async #check(): Promise<void> {
    const { loaded, signal, emit } = this.#options;
    const clockSteps = this.#clock.stop();
    if (loaded.manifest.checkers === undefined) return;
    const { id, path } = this.#journal.directory;
    const checkers = await runCheckers({
      ...{ checkers: loaded.manifest.checkers, nodes: this.#cluster!.nodes, clockSteps, signal },
      ...{ runDirectory: path, runId: id, metrics: this.#metrics.checkers },
      historyFiles: loaded.scenario.load.history ? [HISTORY_FILE] : [],
      ranBefore: loaded.manifest.elsewhere !== undefined,
      onProgress: (what) => emit({ type: 'checking', what }),
    });
    this.#journal.update({ checkers });
    emit({ type: 'checked', checkers });
  }

  /** Heals what is in force, ends every child. May be called whenever, however far `start` came. */
  async stop(graceMs: number): Promise<void> {
    // One after the other and each in any case: a full disk, say, must not leave a process behind.
    const errors: unknown[] = [];
    for (const step of [
      () => this.#faults.heal(),
      () => this.#noteNodes(),
      () => this.#drain(),
      () => Promise.all([this.#k6?.stop(graceMs), this.#cluster?.stop(graceMs), this.#prometheus?.stop(graceMs)]),
      () => this.#faults.stop(graceMs),
      () => this.#server?.stop(),
      () => this.#copy?.remove(),
    ]) {
      await Promise.resolve()
        .then(step)
        .catch((error: unknown) => errors.push(error));
    }
    if (errors.length > 0) throw errors[0];
  }

  /** What is not out by then is missing elsewhere, and nothing else: a warning. */
  async #drain(): Promise<void> {
    const { signal, emit } = this.#options;
    if (this.#copy === undefined || this.#prometheus === undefined || this.#prometheus.hasEnded()) return;
    const timeoutMs = signal.aborted ? COPY_MS.interrupted : COPY_MS.normal;
    const warn = (message: string) => emit({ type: 'warning', message });
    try {
      const remoteWrite = await this.#copy.drain(this.#prometheus.url, timeoutMs);
      this.#journal.update({ remoteWrite });
      const missing = missingSamples(remoteWrite);
      if (missing !== null) warn(missing);
    } catch (error) {
      warn(`nobody knows what arrived of the copy: the run's Prometheus does not say (${messageOf(error)})`);
    }
  }

  /** The manifest of the release that the nodes start from, when the scenario upgrades them. */
  async #earlier(): Promise<{ readonly earlier?: SystemManifest }> {
    const { loaded, root, directories } = this.#options;
    if (loaded.scenario.startFrom === undefined) return {};
    const previous = await obtainPreviousVersion(root, directories.base);
    this.#journal.update({ startedFrom: { version: previous.version, ref: previous.ref } });
    return { earlier: await manifestOf(previous, loaded.scenario.system) };
  }

  async #startCluster(): Promise<Cluster | ElsewhereCluster> {
    const { loaded, signal, emit } = this.#options;
    const { manifest, home } = loaded;
    const { path } = this.#journal.directory;
    const onReady = (ready: number, total: number) => emit({ type: 'nodes', ready, total });
    if (manifest.start === undefined)
      return ElsewhereCluster.connect({ manifest, readyTimeoutMs: readyTimeoutMs(manifest), signal, onReady });
    return Cluster.start({
      ...{ manifest, home, onReady, tools: toolPaths(manifest, this.#tools) },
      ...(await this.#earlier()),
      count: loaded.scenario.nodes,
      registry: this.#registry,
      dataDirectory: join(path, RUN_FILES.nodes),
      logDirectory: join(path, RUN_FILES.logs),
      readyTimeoutMs: readyTimeoutMs(manifest),
      signal,
      ...this.#faults.clusterOptions(),
      onUnexpectedExit: (node, { code, signal: by }) =>
        emit({ type: 'nodeEnded', node: node.index, how: by ? `was ended by ${by}` : `exited with code ${code}` }),
    });
  }

  #startPrometheus(configFile: string): Promise<Prometheus> {
    const { path } = this.#journal.directory;
    return startPrometheus({
      binary: this.#tools.get('prometheus')!.path,
      directory: join(path, RUN_FILES.tsdb),
      configFile,
      logFile: join(path, RUN_FILES.logs, 'prometheus.log'),
      mode: 'run',
      signal: this.#options.signal,
      environment: this.#registry.environment(),
      onProcess: (pid) => this.#registry.add('prometheus', pid),
    });
  }

  async #startK6(): Promise<K6> {
    const { loaded, seed } = this.#options;
    const { id, path } = this.#journal.directory;
    const targets = this.#cluster!.nodes.map((node) => node.url);
    const api = await reservePorts(1);
    await api.release();
    return K6.start({
      binary: this.#tools.get('k6')!.path,
      apiPort: api.ports[0]!,
      spawn: (child) => Child.start(child, this.#registry),
      script: join(loaded.home, 'loadtests', loaded.scenario.load.script),
      environment: {
        ...loaded.manifest.environment,
        ...loadEnvironment({
          runId: id,
          segment: 0,
          seed,
          targets,
          scenario: loaded.scenario,
          prometheusUrl: this.#prometheus!.url,
        }),
      },
      workingDirectory: loaded.home,
      summaryFile: join(path, LOAD_FILES.summaryPath),
      logFile: join(path, LOAD_FILES.logPath),
      historyFile: join(path, HISTORY_FILE),
    });
  }

  #startFaults(): void {
    const { loaded, signal } = this.#options;
    const { load, settleMs } = loaded.scenario;
    const loadEndsAt = this.#loadStartedAt + load.durationMs;
    const schedule = { loadStartedAt: this.#loadStartedAt, loadEndsAt, giveUpAt: loadEndsAt + settleMs };
    this.#faults.begin(this.#cluster!.nodes, schedule, signal);
  }

  #faultChanged(outcome: FaultRecord): void {
    const isSame = (fault: FaultRecord) => injectionName(fault) === injectionName(outcome);
    const before = this.#journal.record.faults.find(isSame);
    this.#journal.update({ faults: this.#journal.record.faults.map((fault) => (isSame(fault) ? outcome : fault)) });
    this.#metrics.fault(outcome);
    const step = faultStep(before, outcome);
    if (step) this.#options.emit({ type: 'fault', step, outcome, loadStartedAt: this.#loadStartedAt });
  }

  /** Shows how the load goes on until k6 has ended. */
  async #follow(k6: K6): Promise<void> {
    const { signal, loaded } = this.#options;
    const totalMs = loaded.scenario.load.durationMs;
    const overdueAt = this.#loadStartedAt + loadTimeMaxMs(loaded.scenario.load) + LOAD_OVERTIME_MS;
    let ended = false;
    const exited = k6.exited.then((status) => {
      ended = true;
      return status;
    });
    let last = { operations: 0, at: this.#loadStartedAt };
    while (!ended) {
      await Promise.race([exited, delay(FOLLOW_MS, undefined, { signal }).catch(() => undefined)]);
      signal.throwIfAborted();
      this.#faults.assertLinked();
      if (Date.now() > overdueAt)
        throw new LoadError(`k6 has not ended ${LOAD_OVERTIME_MS / 1000} s after the load`, null);
      const operations = (await k6.progress())?.operations;
      if (operations === undefined) continue;
      const now = { operations, at: Date.now() };
      const ratePerSecond = ((now.operations - last.operations) * 1000) / Math.max(1, now.at - last.at);
      last = now;
      this.#options.emit({ type: 'load', elapsedMs: now.at - this.#loadStartedAt, totalMs, operations, ratePerSecond });
    }
    const status = await exited;
    const load = {
      ...this.#journal.record.load!,
      to: Date.now(),
      ...(status.code === null ? {} : { exitCode: status.code }),
    };
    this.#journal.update({ load });
    thresholdsCrossed(status, k6.logTail());
  }

  /** Nodes that are not scraped make every rule about them silent: better no run than a blind one. */
  #untilScraped(): Promise<void> {
    const nodes = this.#options.loaded.manifest.metrics === undefined ? [] : this.#cluster!.nodes;
    return untilScraped(this.#prometheus!.api, nodes.length + 1, this.#options.signal);
  }

  #targets(nodes: readonly RunNode[]) {
    const own = { targets: [`127.0.0.1:${this.#server!.port}`], labels: { job: 'gameday' } };
    const { metrics, name } = this.#options.loaded.manifest;
    return [own, ...(metrics === undefined ? [] : nodes.map((node) => nodeTarget(node, metrics, name)))];
  }

  #noteNodes(): void {
    const isScraped = this.#options.loaded.manifest.metrics !== undefined;
    const nodes = this.#cluster?.nodes.map((node) => ({
      ...{ index: node.index, url: node.url, ports: node.place.ports },
      ...('pid' in node ? { pid: node.pid, log: join(RUN_FILES.logs, `node_${node.index}.log`) } : {}),
      ...(isScraped ? {} : { scraped: false as const }),
    }));
    if (nodes) this.#journal.update({ nodes });
  }
}

type RunNode = Cluster['nodes'][number] | ElsewhereCluster['nodes'][number];

/** The checkers that will have a result, if all goes well. */
function expectedCheckers({ checkers }: SystemManifest): readonly CheckerName[] {
  if (checkers === undefined) return [];
  return CHECKERS.filter((name) => name !== 'states' || checkers.state !== undefined);
}

/** Of segment 0. */
const HISTORY_FILE = join(RUN_FILES.history, '0.ndjson');
const LOAD_FILES = { summaryPath: RUN_FILES.k6Summary, logPath: join(RUN_FILES.logs, 'k6.log') };
