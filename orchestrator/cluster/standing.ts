/** Clusters that `up` leaves running, on the documented ports, until `down`: `.gameday/up/<system>/`. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LinkPlan, NodePlace, SystemManifest } from '../../kit/system.ts';
import { AdoptedProcess } from './adopted.ts';
import { Child, type ChildOptions } from './child.ts';
import { Cluster, readyTimeoutMs } from './cluster.ts';
import { isRunning } from './identity.ts';
import { holderOf } from './port_holder.ts';
import { isPortFree } from './ports.ts';
import { ProcessRegistry, type RegisteredProcess, readRegistry } from './registry.ts';

/** `cluster.json`: what the data on disk belongs to. */
export interface StandingCluster {
  readonly version: 1;
  readonly system: string;
  readonly nodes: readonly {
    readonly index: number;
    readonly url: string;
    readonly ports: Readonly<Record<string, number>>;
  }[];
  /** What stands between the nodes, when they were started so. */
  readonly links?: StandingLinks;
  /** The file of the manifest, absolute, when it is none of the project's own systems. */
  readonly manifestFile?: string;
  /** As in `ClusterPlan`. */
  readonly tools?: Readonly<Record<string, string>>;
}

export interface StandingLinks {
  /** Base URL of the proxies' interface. */
  readonly api: string;
  readonly plan: readonly LinkPlan[];
}

export class StandingClusterError extends Error {
  readonly code: 'CLUSTER_UP' | 'PORT_IN_USE' | 'CLUSTER_OTHER' | 'USAGE';
  constructor(code: StandingClusterError['code'], message: string) {
    super(message);
    this.name = 'StandingClusterError';
    this.code = code;
  }
}

export interface UpOptions {
  readonly manifest: SystemManifest;
  /** See `NodesOptions`. */
  readonly home: string;
  readonly manifestFile?: string;
  readonly tools?: Readonly<Record<string, string>>;
  readonly count: number;
  /** Of node 0's first port; the others follow as in the manifest. */
  readonly firstPort?: number;
  readonly signal: AbortSignal;
  readonly onReady: (ready: number, total: number) => void;
  /** Starts what stands between the nodes, by `spawn`. */
  readonly openLinks?: (
    places: readonly NodePlace[],
    logDirectory: string,
    spawn: (child: ChildOptions) => Promise<Child>,
  ) => Promise<StandingLinks>;
  readonly faultToken?: string;
}

/** A cluster that an earlier command started, in this process's hands. */
export interface AttachedCluster {
  readonly cluster: Cluster;
  readonly standing: StandingCluster;
  readonly faultToken: string | undefined;
}

export class StandingClusters {
  readonly #base: string;

  /** `base` is the `.gameday` directory. */
  constructor(base: string) {
    this.#base = join(base, 'up');
  }

  /** Undefined when there is none, running or with data kept. */
  read(system: string): StandingCluster | undefined {
    const file = join(this.#base, system, 'cluster.json');
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as StandingCluster) : undefined;
  }

  /** Names of all systems that were up and whose data are kept. */
  names(): string[] {
    if (!existsSync(this.#base)) return [];
    return readdirSync(this.#base).filter((name) => existsSync(join(this.#base, name, 'cluster.json')));
  }

  running(system: string): RegisteredProcess[] {
    return (readRegistry(this.#registryFile(system))?.processes ?? []).filter(isRunning);
  }

  async up(options: UpOptions): Promise<StandingCluster> {
    const { manifest, count } = options;
    const ports = portsOf(manifest, count, options.firstPort);
    if (this.running(manifest.name).length > 0) {
      throw new StandingClusterError(
        'CLUSTER_UP',
        `${manifest.name} is up already: \`gameday status ${manifest.name}\`, \`gameday down ${manifest.name}\``,
      );
    }
    this.#refuseOtherData(manifest, ports);
    await refuseTakenPorts(manifest, ports, options.manifestFile);
    const directory = join(this.#base, manifest.name);
    mkdirSync(directory, { recursive: true });
    const registry = new ProcessRegistry({
      file: this.#registryFile(manifest.name),
      runId: `up-${manifest.name}`,
      runDirectory: directory,
      detached: true,
    });
    const children: Child[] = [];
    const spawn = async (options: ChildOptions) => {
      const child = await Child.start(options, registry);
      children.push(child);
      return child;
    };
    let links: StandingLinks | undefined;
    const { openLinks, faultToken, home, manifestFile, tools } = options;
    const logDirectory = join(directory, 'logs');
    const cluster = await Cluster.start({
      ...{ manifest, count, registry, ports, logDirectory },
      home,
      dataDirectory: join(directory, 'nodes'),
      readyTimeoutMs: readyTimeoutMs(manifest),
      signal: options.signal,
      onReady: options.onReady,
      onUnexpectedExit: () => undefined,
      ...(tools === undefined ? {} : { tools }),
      ...(faultToken === undefined ? {} : { faultToken }),
      ...(openLinks === undefined
        ? {}
        : {
            openLinks: async (places) => {
              links = await openLinks(places, logDirectory, spawn);
              return links.plan;
            },
          }),
    }).catch(async (error: unknown) => {
      await Promise.all(children.map((child) => child.stop(0)));
      throw error;
    });
    const standing: StandingCluster = {
      version: 1,
      system: manifest.name,
      nodes: cluster.nodes.map(({ index, url, place }) => ({ index, url, ports: place.ports })),
      ...(links ? { links } : {}),
      ...(manifestFile === undefined ? {} : { manifestFile }),
      ...(tools === undefined ? {} : { tools }),
    };
    rmSync(this.#tokenFile(manifest.name), { force: true });
    if (faultToken !== undefined) writeFileSync(this.#tokenFile(manifest.name), faultToken, { mode: 0o600 });
    for (const child of children) child.release();
    writeFileSync(join(directory, 'cluster.json'), JSON.stringify(standing, null, 2));
    cluster.release();
    return standing;
  }

  /** Undefined when nothing of it runs. A process that is started from here on stays, like those that `up` started. */
  attach(manifest: SystemManifest, home: string): AttachedCluster | undefined {
    const running = this.running(manifest.name);
    const standing = this.read(manifest.name);
    if (running.length === 0 || standing === undefined) return undefined;
    const directory = join(this.#base, manifest.name);
    const registry = new ProcessRegistry({
      ...{ file: this.#registryFile(manifest.name), runId: `up-${manifest.name}`, runDirectory: directory },
      ...{ detached: true, inherited: running },
    });
    const token = existsSync(this.#tokenFile(manifest.name))
      ? { faultToken: readFileSync(this.#tokenFile(manifest.name), 'utf8') }
      : {};
    const cluster = Cluster.of(
      {
        ...{ manifest, registry, home, ...token },
        ...(standing.tools === undefined ? {} : { tools: standing.tools }),
        dataDirectory: join(directory, 'nodes'),
        logDirectory: join(directory, 'logs'),
        onUnexpectedExit: () => undefined,
        ...(standing.links ? { links: standing.links.plan } : {}),
      },
      standing.nodes.map(({ ports }) => ports),
    );
    for (const node of cluster.nodes) {
      const process = running.find(({ name }) => name === `node ${node.index}`);
      if (process) node.adopt(new AdoptedProcess(process));
    }
    return { cluster, standing, faultToken: token.faultToken };
  }

  /** The nodes must have ended. */
  deleteData(system: string): void {
    rmSync(join(this.#base, system), { recursive: true, force: true });
  }

  /** Members know each other by their ports: data of another set of nodes cannot be continued, and must not be lost by accident. */
  #refuseOtherData(manifest: SystemManifest, ports: readonly Readonly<Record<string, number>>[]): void {
    const before = this.read(manifest.name);
    if (before === undefined || JSON.stringify(before.nodes.map((node) => node.ports)) === JSON.stringify(ports))
      return;
    const urls = before.nodes.map((node) => node.url).join(', ');
    throw new StandingClusterError(
      'CLUSTER_OTHER',
      `the data kept is of other nodes (${urls}): start those, or forget it with \`gameday down ${manifest.name} --delete-data\``,
    );
  }

  #tokenFile(system: string): string {
    return join(this.#base, system, 'fault-token');
  }

  #registryFile(system: string): string {
    return join(this.#base, system, 'processes.json');
  }
}

/** Ports by node and name: the documented ones, or all moved so that node 0's first port is `firstPort`. */
export function portsOf(manifest: SystemManifest, count: number, firstPort?: number): Record<string, number>[] {
  const offset = firstPort === undefined ? 0 : firstPort - manifest.ports[0]!.first;
  const ports = Array.from({ length: count }, (_, node) =>
    Object.fromEntries(manifest.ports.map(({ name, first }) => [name, first + offset + node])),
  );
  const outside = ports.flatMap((own) => Object.values(own)).find((port) => port < 1 || port > 65_535);
  if (outside !== undefined)
    throw new StandingClusterError('USAGE', `--port ${firstPort} makes a port ${outside}: ports are 1 to 65535`);
  return ports;
}

async function refuseTakenPorts(
  manifest: SystemManifest,
  ports: readonly Readonly<Record<string, number>>[],
  manifestFile: string | undefined,
): Promise<void> {
  const taken = await takenPorts(ports);
  if (taken.length === 0) return;
  const free = await firstFreePort(manifest, ports.length, ports[0]![manifest.ports[0]!.name]!);
  const system = manifestFile === undefined ? manifest.name : `--system ${manifestFile}`;
  const remedy = `end it, or choose others: gameday up ${system} --port ${free ?? '<port>'}`;
  throw new StandingClusterError('PORT_IN_USE', `${taken.join('\n')}\n${remedy}`);
}

/** A sentence for each port that is in use, with who holds it. `ports` by node and name; a node that is left out is not asked for. */
export async function takenPorts(ports: readonly (Readonly<Record<string, number>> | undefined)[]): Promise<string[]> {
  const taken: string[] = [];
  for (const [node, own] of ports.entries()) {
    for (const [name, port] of Object.entries(own ?? {})) {
      if (await isPortFree(port)) continue;
      const holder = holderOf(port);
      const who = holder
        ? `held by process ${holder.pid} (${holder.command.slice(0, 120)})`
        : 'held by a process that cannot be seen from here';
      taken.push(`port ${port} (${name} of node ${node}) is ${who}`);
    }
  }
  return taken;
}

/** A first port from which all are free, in steps that keep the documented digits: 18080, 28080 … */
export async function firstFreePort(
  manifest: SystemManifest,
  count: number,
  from: number,
): Promise<number | undefined> {
  for (let first = from + 10_000; first < 60_000; first += 10_000) {
    const ports = portsOf(manifest, count, first).flatMap((own) => Object.values(own));
    if ((await Promise.all(ports.map(isPortFree))).every(Boolean)) return first;
  }
  return undefined;
}
