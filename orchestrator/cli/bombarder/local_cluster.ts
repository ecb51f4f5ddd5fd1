/**
 * The three nodes of `bombarder cluster start`: processes of this machine that outlive the command, with their data in one directory.
 * A node is whoever works on its data directory, so one that a person restarted by hand is one of them.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterPlan, NodePlace, SystemManifest } from '../../../kit/system.ts';
import { Child, signalGroup } from '../../cluster/child.ts';
import { isRunning, type ProcessIdentity } from '../../cluster/identity.ts';
import { endLeftovers } from '../../cluster/leftovers.ts';
import { NodeClient } from '../../cluster/node_client.ts';
import { ProcessRegistry, readRegistry } from '../../cluster/registry.ts';
import { firstFreePort, portsOf, takenPorts } from '../../cluster/standing.ts';
import { dataHolder } from './data_holder.ts';

export class LocalClusterError extends Error {
  readonly code: 'PORT_IN_USE' | 'CLUSTER_OTHER' | 'CLUSTER_START' | 'NODE_STUCK' | 'CLUSTER_FILE';
  constructor(code: LocalClusterError['code'], message: string) {
    super(message);
    this.name = 'LocalClusterError';
    this.code = code;
  }
}

export interface LocalClusterOptions {
  readonly manifest: SystemManifest;
  /** The project's root, where manifests' commands are relative to. */
  readonly root: string;
  /** Absolute; holds `node_0` … , `ca`, `logs` and `cluster.json`. */
  readonly dataDirectory: string;
  /** `.gameday`: the processes are registered there, so that `gameday down --all` finds them. */
  readonly stateDirectory: string;
}

/** `cluster.json`: where the nodes of this data directory listen. */
interface ClusterFile {
  readonly version: 1;
  readonly firstPort: number;
}

export interface LocalNode {
  readonly index: number;
  readonly url: string;
  readonly place: NodePlace;
}

export const NODES = 3;
const HOST = '127.0.0.1';
const READY_TIMEOUT_MS = 30_000;
const GRACE_MS = 5000;
const POLL_MS = 25;
const LOG_LINES = 12;

export class LocalCluster {
  readonly nodes: readonly LocalNode[];
  readonly dataDirectory: string;
  readonly #options: LocalClusterOptions;
  readonly #plan: ClusterPlan;
  readonly #firstPort: number;
  #registry: ProcessRegistry | undefined;

  private constructor(options: LocalClusterOptions, firstPort: number) {
    this.#options = options;
    this.#firstPort = firstPort;
    this.dataDirectory = options.dataDirectory;
    const places = portsOf(options.manifest, NODES, firstPort).map((ports, index) => ({
      ...{ index, host: HOST, ports },
      dataDirectory: join(options.dataDirectory, `node_${index}`),
    }));
    this.#plan = { nodes: places, sharedDirectory: options.dataDirectory, tools: {} };
    this.nodes = places.map((place) => ({ index: place.index, url: urlOf(place, options.manifest), place }));
  }

  /** The cluster whose data are there, else the one on the documented ports. */
  static at(options: LocalClusterOptions): LocalCluster {
    return new LocalCluster(options, keptPort(options.dataDirectory) ?? options.manifest.ports[0]!.first);
  }

  /** For `cluster start`: refuses ports other than those that the data belong to. */
  static onPort(options: LocalClusterOptions, firstPort: number | undefined): LocalCluster {
    const kept = keptPort(options.dataDirectory);
    if (firstPort === undefined || kept === undefined || kept === firstPort)
      return new LocalCluster(options, firstPort ?? kept ?? options.manifest.ports[0]!.first);
    throw new LocalClusterError(
      'CLUSTER_OTHER',
      `the data in ${options.dataDirectory} are of nodes on ports ${kept} to ${kept + NODES - 1}: start those (--port ${kept}), ` +
        `or begin anew: stop them, rm -rf ${options.dataDirectory}, or set STRESS_TEST_DATA to another directory`,
    );
  }

  /** Undefined when the node does not run. */
  process(node: LocalNode): ProcessIdentity | undefined {
    const holder = dataHolder(node.place.dataDirectory);
    if (holder !== undefined) return holder;
    // Between its start and its lock, or when the directory was removed under it.
    const entry = readRegistry(this.#registryFile)?.processes.find(({ name }) => name === nameOf(node));
    return entry !== undefined && isRunning(entry) ? entry : undefined;
  }

  /** The indices of the nodes that it started: those that did not run. Resolves when all three are ready. */
  async start(signal: AbortSignal, onReady: (ready: number, total: number) => void): Promise<number[]> {
    const missing = this.nodes.filter((node) => this.process(node) === undefined);
    await this.#refuseTakenPorts(missing);
    mkdirSync(join(this.dataDirectory, 'logs'), { recursive: true });
    const file: ClusterFile = { version: 1, firstPort: this.#firstPort };
    writeFileSync(clusterFile(this.dataDirectory), `${JSON.stringify(file)}\n`);
    const started = await Promise.all(missing.map(async (node) => ({ node, child: await this.#launch(node) })));
    try {
      await this.#untilReady(started, signal, onReady);
    } catch (error) {
      await Promise.all(started.map(({ child }) => child.stop(GRACE_MS)));
      throw error;
    }
    for (const { child } of started) child.release();
    return missing.map(({ index }) => index);
  }

  /** Starts one node that does not run; resolves when it is ready. */
  async startNode(node: LocalNode): Promise<void> {
    const child = await this.#launch(node);
    child.release();
    await this.#untilReady([{ node, child }], new AbortController().signal, () => undefined, [node]);
  }

  /** SIGKILL; resolves when the process is gone. @returns false when it did not run */
  async kill(node: LocalNode): Promise<boolean> {
    const process = this.process(node);
    if (process === undefined) return false;
    signalGroup(process.pid, 'SIGKILL');
    const deadline = performance.now() + GRACE_MS;
    while (isRunning(process)) {
      if (performance.now() > deadline)
        throw new LocalClusterError('NODE_STUCK', `${nameOf(node)} (process ${process.pid}) survives SIGKILL`);
      await delay(POLL_MS);
    }
    return true;
  }

  /** Ends every node in order, paused ones too. @returns who ran */
  async stop(): Promise<readonly { readonly node: LocalNode; readonly pid: number }[]> {
    const running = this.nodes.flatMap((node) => {
      const identity = this.process(node);
      return identity === undefined ? [] : [{ node, identity }];
    });
    const processes = running.map(({ node, identity }) => ({ ...identity, name: nameOf(node), runId: this.#runId }));
    const left = await endLeftovers(processes, GRACE_MS);
    if (left.length > 0) {
      const who = left.map(({ name, pid }) => `${name} (process ${pid})`).join(', ');
      throw new LocalClusterError('NODE_STUCK', `would not end: ${who}`);
    }
    return running.map(({ node, identity }) => ({ node, pid: identity.pid }));
  }

  async isReady(node: LocalNode): Promise<boolean> {
    return new NodeClient(this.#options.manifest, node.url).isReady();
  }

  async #launch(node: LocalNode): Promise<Child> {
    const { manifest, root } = this.#options;
    mkdirSync(node.place.dataDirectory, { recursive: true });
    const { command, arguments: words, environment } = manifest.start!(node.place, this.#plan);
    const logFile = this.#logFile(node);
    return Child.start(
      { name: nameOf(node), command, arguments: words, environment, workingDirectory: root, logFile },
      this.#registered(),
    );
  }

  async #untilReady(
    started: readonly { readonly node: LocalNode; readonly child: Child }[],
    signal: AbortSignal,
    onReady: (ready: number, total: number) => void,
    wanted = this.nodes,
  ): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (let last = -1; ; ) {
      signal.throwIfAborted();
      const dead = started.find(({ child }) => child.status !== undefined);
      if (dead !== undefined) throw this.#failed(dead.node, 'ended before it was ready');
      const ready = await Promise.all(wanted.map((node) => this.isReady(node)));
      const count = ready.filter(Boolean).length;
      if (count !== last) onReady(count, wanted.length);
      last = count;
      if (count === wanted.length) return;
      if (performance.now() > deadline)
        throw this.#failed(wanted[ready.indexOf(false)]!, `is not ready after ${READY_TIMEOUT_MS / 1000} s`);
      await delay(POLL_MS);
    }
  }

  #failed(node: LocalNode, what: string): LocalClusterError {
    const file = this.#logFile(node);
    const tail = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-LOG_LINES).join('\n') : '';
    return new LocalClusterError('CLUSTER_START', `${nameOf(node)} ${what}; the end of ${file}:\n${tail}`);
  }

  async #refuseTakenPorts(missing: readonly LocalNode[]): Promise<void> {
    const taken = await takenPorts(this.nodes.map((node) => (missing.includes(node) ? node.place.ports : undefined)));
    if (taken.length === 0) return;
    const free = await firstFreePort(this.#options.manifest, NODES, this.#firstPort);
    throw new LocalClusterError(
      'PORT_IN_USE',
      `${taken.join('\n')}\nend it, or choose others: npx bombarder cluster start --port ${free ?? '<port>'}`,
    );
  }

  /** Made when a node is started: only to look must not write. */
  #registered(): ProcessRegistry {
    if (this.#registry !== undefined) return this.#registry;
    const runDirectory = this.#runDirectory;
    mkdirSync(runDirectory, { recursive: true });
    const inherited = (readRegistry(this.#registryFile)?.processes ?? []).filter(isRunning);
    const runId = this.#runId;
    this.#registry = new ProcessRegistry({ file: this.#registryFile, runId, runDirectory, detached: true, inherited });
    return this.#registry;
  }

  /** By the data, not only by the port: another cluster may have had the same ports, or have them now. */
  get #name(): string {
    const data = createHash('sha256').update(this.dataDirectory).digest('hex').slice(0, 8);
    return `stress-${this.#firstPort}-${data}`;
  }

  get #runId(): string {
    return `up-${this.#name}`;
  }

  get #runDirectory(): string {
    return join(this.#options.stateDirectory, 'up', this.#name);
  }

  get #registryFile(): string {
    return join(this.#runDirectory, 'processes.json');
  }

  #logFile(node: LocalNode): string {
    return join(this.dataDirectory, 'logs', `node_${node.index}.log`);
  }
}

function nameOf({ index }: LocalNode): string {
  return `node ${index}`;
}

function urlOf({ host, ports }: NodePlace, manifest: SystemManifest): string {
  return `http://${host}:${ports[manifest.ports[0]!.name]}`;
}

function clusterFile(dataDirectory: string): string {
  return join(dataDirectory, 'cluster.json');
}

function keptPort(dataDirectory: string): number | undefined {
  const file = clusterFile(dataDirectory);
  if (!existsSync(file)) return undefined;
  try {
    const { version, firstPort } = JSON.parse(readFileSync(file, 'utf8')) as ClusterFile;
    if (version === 1 && Number.isInteger(firstPort)) return firstPort;
  } catch {}
  throw new LocalClusterError(
    'CLUSTER_FILE',
    `${file} is not what bombarder writes: remove it and start the cluster anew`,
  );
}
