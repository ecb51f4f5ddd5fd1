/** The two that are compared: three nodes of the store, and three members of etcd, each as it is when nothing is tuned. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SystemManifest } from '../../kit/system.ts';
import { Cluster } from '../../orchestrator/cluster/cluster.ts';
import type { ProcessRegistry } from '../../orchestrator/cluster/registry.ts';
import type { BenchContext } from '../bench.ts';
import { type Api, apis } from './api.ts';
import { BulkClient } from './bulk.ts';

export const SIDES = ['kv', 'etcd'] as const;
export type SideName = (typeof SIDES)[number];
/** `bare` is no store: it answers at once (limits.ts). */
export type NodesName = SideName | 'bare';

export const NODES = 3;
const READY_TIMEOUT_MS = 30_000;
const STOP_MS = 10_000;

export interface SidesOptions {
  readonly context: BenchContext;
  readonly registry: ProcessRegistry;
  readonly manifests: Readonly<Record<NodesName, SystemManifest>>;
}

/** A cluster that runs: fresh data directories, no proxy between nodes or before them, nobody who scrapes it. */
export class Side implements AsyncDisposable {
  readonly name: NodesName;
  readonly api: Api;
  readonly cluster: Cluster;
  readonly directory: string;

  private constructor(name: NodesName, cluster: Cluster, directory: string) {
    this.name = name;
    this.api = apis[name];
    this.cluster = cluster;
    this.directory = directory;
  }

  /** @param place a directory name that no side of this benchmark had before */
  static async start(name: NodesName, place: string, { context, registry, manifests }: SidesOptions): Promise<Side> {
    const directory = join(context.directory, place);
    mkdirSync(directory, { recursive: true });
    const cluster = await Cluster.start({
      ...{ registry, home: context.root, signal: context.signal, count: NODES, readyTimeoutMs: READY_TIMEOUT_MS },
      manifest: manifests[name],
      dataDirectory: join(directory, 'nodes'),
      logDirectory: join(directory, 'logs'),
      onReady: () => {},
      onUnexpectedExit: () => {},
    });
    return new Side(name, cluster, directory);
  }

  get urls(): readonly string[] {
    return this.cluster.nodes.map(({ url }) => url);
  }

  get pids(): readonly number[] {
    return this.cluster.nodes.map(({ pid }) => pid);
  }

  /** Writes entries of 256 bytes and puts what they are read by into a file, a JSON array of texts. */
  async prefill(entries: number, signal: AbortSignal): Promise<string> {
    await using client = new BulkClient(this.api, this.urls);
    const keys = await client.create(entries, signal);
    const file = join(this.directory, 'keys.json');
    writeFileSync(file, JSON.stringify(keys));
    return file;
  }

  /** How often all nodes together have made their log durable since they started. */
  async fsyncs(signal: AbortSignal): Promise<number> {
    const name = this.api.fsyncs;
    if (name === null) return 0;
    const texts = await Promise.all(this.urls.map(async (url) => (await fetch(`${url}/metrics`, { signal })).text()));
    return texts.reduce((sum, text) => sum + parseCounter(text, name), 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.stop(STOP_MS);
  }
}

/** @param text in Prometheus' text format; the counter has one series */
export function parseCounter(text: string, name: string): number {
  const line = text.split('\n').find((each) => each.startsWith(`${name} `) || each.startsWith(`${name}{`));
  if (line === undefined) throw new Error(`the node's metrics have no ${name}`);
  return Number(line.slice(line.lastIndexOf(' ') + 1));
}
