import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { createLogger } from '../../../../kit/logger.ts';
import { createMetrics, type Metrics } from '../../../../kit/metrics.ts';
import type { KvConfig } from '../../config.ts';
import { KvNode, type KvNodeParts } from '../../node.ts';
import { freePorts } from '../../testing/ports.ts';
import { until } from './processes.ts';

export interface LocalNode {
  readonly node: KvNode;
  readonly metrics: Metrics;
  readonly failures: Error[];
}

/** Nodes of one cluster within the test's own process, on real sockets; the disk may be the test's. */
export class LocalCluster {
  readonly directory: string;
  readonly #ports: readonly number[];
  readonly #count: number;
  readonly nodes: LocalNode[] = [];

  private constructor(directory: string, ports: readonly number[], count: number) {
    this.directory = directory;
    this.#ports = ports;
    this.#count = count;
  }

  static async create(count: number): Promise<LocalCluster> {
    const directory = await mkdtemp(`${tmpdir()}/gameday-kv-`);
    return new LocalCluster(directory, await freePorts(2 * count), count);
  }

  config(id: number, changes: Partial<KvConfig> = {}): KvConfig {
    const place = (of: number) => ({
      host: '127.0.0.1',
      port: this.#ports[2 * of]!,
      peerPort: this.#ports[2 * of + 1]!,
    });
    return {
      nodeId: id,
      ...place(id),
      address: place(id),
      members: Array.from({ length: this.#count }, (_, of) => ({ id: of, ...place(of) })),
      join: null,
      dial: new Map(),
      dataDirectory: `${this.directory}/node_${id}`,
      certificateDirectory: `${this.directory}/ca`,
      logLevel: 'silent',
      adminToken: null,
      tickMs: 10,
      heartbeatTicks: 3,
      electionTicks: 30,
      snapshotEntries: 1_000_000,
      keptEntries: 1000,
      segmentBytes: 1024 * 1024,
      bodyBytesMax: 1024 * 1024,
      requestsMax: 1000,
      shutdownSeconds: 5,
      otlpEndpoint: null,
      traceRatio: 0,
      ...changes,
    };
  }

  async start(id: number, parts: Partial<KvNodeParts> = {}, changes: Partial<KvConfig> = {}): Promise<LocalNode> {
    const metrics = createMetrics({ info: { system: 'kv', node: String(id), version: 'test' }, runtime: false });
    const failures: Error[] = [];
    const node = await KvNode.open(this.config(id, changes), {
      logger: createLogger({ level: 'silent', bindings: {} }),
      metrics,
      version: 'test',
      onFailure: (error) => failures.push(error),
      ...parts,
    });
    const local = { node, metrics, failures };
    this.nodes.push(local);
    return local;
  }

  leader(): Promise<LocalNode> {
    return until('a leader that all know', () => {
      const leader = this.nodes.find(({ node }) => node.status().is_leader);
      const id = leader?.node.status().node_id;
      return this.nodes.every(({ node }) => node.status().leader_id === id) ? leader : undefined;
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map(({ node }) => node.close()));
    await rm(this.directory, { recursive: true, force: true });
  }
}

/** The value of an unlabelled metric. */
export async function metric({ metrics }: LocalNode, name: string): Promise<number> {
  const { body } = await metrics.exposition();
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(body)?.[1] ?? Number.NaN);
}
