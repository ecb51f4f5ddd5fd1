/** The processes backend: starts the nodes that a manifest describes, waits until all can serve, stops them. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterPlan, LinkPlan, NodePlace, SystemManifest } from '../../kit/system.ts';
import type { ExitStatus } from './child.ts';
import { ClusterNode } from './node.ts';
import { type PortReservation, reservePorts } from './ports.ts';
import type { ProcessRegistry } from './registry.ts';

export interface NodesOptions {
  readonly manifest: SystemManifest;
  /** Of the version that the nodes start from, when they are to be upgraded. */
  readonly earlier?: SystemManifest;
  readonly registry: ProcessRegistry;
  /** Where manifests' commands are relative to: the system's home. */
  readonly home: string;
  /** `node_0`, `node_1` … and what the nodes share. */
  readonly dataDirectory: string;
  readonly logDirectory: string;
  /** Paths of what the manifest's `tools` ask for; none when absent. */
  readonly tools?: ClusterPlan['tools'];
  /** Told once all nodes are ready. */
  readonly onUnexpectedExit: (node: ClusterNode, status: ExitStatus) => void;
}

export interface ClusterOptions extends NodesOptions {
  readonly count: number;
  readonly readyTimeoutMs: number;
  readonly signal: AbortSignal;
  readonly onReady: (ready: number, total: number) => void;
  /** Ports by node and name; free ones are chosen when absent. */
  readonly ports?: readonly Readonly<Record<string, number>>[];
  /** Puts something that can disturb them between the nodes; called once the nodes' places are known, before they start. */
  readonly openLinks?: (places: readonly NodePlace[]) => Promise<readonly LinkPlan[]>;
  /** See `ClusterPlan.faultToken`. */
  readonly faultToken?: string;
}

/** The cluster did not come up. */
export class ClusterStartError extends Error {
  readonly code = 'CLUSTER_START';
  readonly portTaken: boolean;
  constructor(message: string, portTaken = false) {
    super(message);
    this.name = 'ClusterStartError';
    this.portTaken = portTaken;
  }
}

const READY_SECONDS = 30;

/** How long the system's nodes may take until all are ready. */
export function readyTimeoutMs({ readyWithinSeconds = READY_SECONDS }: SystemManifest): number {
  return readyWithinSeconds * 1000;
}

const HOST = '127.0.0.1';
const STARTS_MAX = 3;
const POLL_MS = 50;
const LOG_LINES = 20;

export class Cluster {
  readonly nodes: readonly ClusterNode[];

  constructor(nodes: readonly ClusterNode[]) {
    this.nodes = nodes;
  }

  /** Resolves when every node is ready. Nothing is left running when it rejects. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await startOnce(options);
      } catch (error) {
        const retry = error instanceof ClusterStartError && error.portTaken && options.ports === undefined;
        if (!retry || attempt === STARTS_MAX) throw error;
        // Somebody took a port between its release and the node's bind. Peers know each other by port, so all start afresh.
        rmSync(options.dataDirectory, { recursive: true, force: true });
      }
    }
  }

  /** The nodes of a cluster that was started before; which of them run is for the caller to say, by `adopt`. */
  static of(
    options: NodesOptions & Pick<ClusterPlan, 'links' | 'faultToken'>,
    ports: readonly Readonly<Record<string, number>>[],
  ): Cluster {
    return new Cluster(makeNodes(options, planOf(options, ports, options.links)));
  }

  get running(): boolean {
    return this.nodes.some((node) => node.state !== 'stopped');
  }

  async readyCount(): Promise<number> {
    const ready = await Promise.all(this.nodes.map((node) => node.isReady()));
    return ready.filter(Boolean).length;
  }

  /** Leaves the nodes running when the orchestrator ends. */
  release(): void {
    for (const node of this.nodes) node.release();
  }

  /**
   * Ends every node within that time; resolves when all are gone. One after the other, as an operator does: a leader that is told to end
   * hands over to somebody, and where all end at once it waits for nobody until its patience ends (etcd: 7 s).
   */
  async stop(graceMs: number): Promise<void> {
    const deadline = performance.now() + graceMs;
    for (const node of this.nodes)
      if (node.state !== 'stopped') await node.terminate(Math.max(0, deadline - performance.now()));
  }
}

async function startOnce(options: ClusterOptions): Promise<Cluster> {
  mkdirSync(options.logDirectory, { recursive: true });
  const names = options.manifest.ports.map((port) => port.name);
  const reservation = options.ports ? undefined : await reservePorts(options.count * names.length);
  let up = false;
  // A node that ends before all are ready is this function's business; `waitUntilReady` sees it.
  const onUnexpectedExit: ClusterOptions['onUnexpectedExit'] = (...ended) => up && options.onUnexpectedExit(...ended);
  const ports = options.ports ?? portsByNode(reservation!, names);
  const links = await options.openLinks?.(placesOf(options.dataDirectory, ports)).catch(async (error: unknown) => {
    await reservation?.release();
    throw error;
  });
  const plan = planOf(options, ports, links);
  const cluster = new Cluster(makeNodes({ ...options, onUnexpectedExit }, plan));
  try {
    await reservation?.release();
    await Promise.all(cluster.nodes.map((node) => node.start()));
    await waitUntilReady(cluster, options);
    up = true;
    return cluster;
  } catch (error) {
    await cluster.stop(500);
    throw error;
  }
}

function portsByNode(reservation: PortReservation, names: readonly string[]): Record<string, number>[] {
  const count = reservation.ports.length / names.length;
  return Array.from({ length: count }, (_, node) =>
    Object.fromEntries(names.map((name, place) => [name, reservation.ports[node * names.length + place]!])),
  );
}

function placesOf(dataDirectory: string, ports: readonly Readonly<Record<string, number>>[]): NodePlace[] {
  return ports.map((own, index) => ({
    index,
    host: HOST,
    ports: own,
    dataDirectory: join(dataDirectory, `node_${index}`),
  }));
}

function planOf(
  { dataDirectory, faultToken, tools = {} }: Pick<ClusterOptions, 'dataDirectory' | 'faultToken' | 'tools'>,
  ports: readonly Readonly<Record<string, number>>[],
  links: readonly LinkPlan[] | undefined,
): ClusterPlan {
  return {
    ...{ nodes: placesOf(dataDirectory, ports), sharedDirectory: dataDirectory, tools },
    ...(links ? { links } : {}),
    ...(faultToken === undefined ? {} : { faultToken }),
  };
}

function makeNodes(options: NodesOptions, plan: ClusterPlan): ClusterNode[] {
  const { manifest, earlier, registry, onUnexpectedExit } = options;
  return plan.nodes.map(
    (place) =>
      new ClusterNode({
        ...{ manifest, place, plan, registry, onUnexpectedExit },
        ...(earlier ? { earlier } : {}),
        workingDirectory: options.home,
        logFile: join(options.logDirectory, `node_${place.index}.log`),
      }),
  );
}

async function waitUntilReady(cluster: Cluster, options: ClusterOptions): Promise<void> {
  const deadline = performance.now() + options.readyTimeoutMs;
  let last = -1;
  for (;;) {
    options.signal.throwIfAborted();
    const dead = cluster.nodes.find((node) => node.state === 'stopped');
    if (dead) throw deadNode(dead);
    const ready = await cluster.readyCount();
    if (ready !== last) options.onReady(ready, cluster.nodes.length);
    last = ready;
    if (ready === cluster.nodes.length) return;
    if (performance.now() > deadline) throw await notReady(cluster, options.readyTimeoutMs);
    await delay(POLL_MS);
  }
}

function deadNode(node: ClusterNode): ClusterStartError {
  const tail = node.logTail(LOG_LINES);
  const status = node.exitStatus;
  const how = status?.signal ? `was ended by ${status.signal}` : `exited with code ${status?.code}`;
  const message = `node ${node.index} ${how} before it was ready; the end of ${node.logFile}:\n${tail}`;
  return new ClusterStartError(message, /EADDRINUSE|address already in use/i.test(tail));
}

async function notReady(cluster: Cluster, timeoutMs: number): Promise<ClusterStartError> {
  const answers = await Promise.all(cluster.nodes.map((node) => node.readiness()));
  const lacking = cluster.nodes.flatMap((node, index) => {
    const answer = answers[index]!;
    if (answer === true) return [];
    return [`node ${node.index}: ${answer}; the end of ${node.logFile}:\n${node.logTail(LOG_LINES)}`];
  });
  const ready = answers.length - lacking.length;
  return new ClusterStartError(
    `${ready} of ${answers.length} nodes are ready after ${timeoutMs / 1000} s\n${lacking.join('\n')}`,
  );
}
