import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until as waitUntil } from '../../../../kit/until.ts';
import type { KVEntry, NodeStatus } from '../../api.ts';
import { freePorts } from '../../testing/ports.ts';

const ENDED_MS_MAX = 30_000;
const MAIN = join(import.meta.dirname, '../../main.ts');

/** Looks until there is something; fails with what was waited for. */
export function until<T>(what: string, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  return waitUntil(look, { what, withinMs: 20_000, everyMs: 20 });
}

/** One `stress_node` as a child process. */
export class NodeProcess {
  readonly id: number;
  readonly port: number;
  readonly child: ChildProcess;
  output = '';

  constructor(id: number, port: number, command: readonly string[], environment: Record<string, string>) {
    this.id = id;
    this.port = port;
    this.child = spawn(command[0]!, command.slice(1), {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-200_000);
      });
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Parsed body, or null when the node does not answer with 2xx. */
  async get<T>(path: string): Promise<T | null> {
    try {
      const response = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(10_000) });
      const body = (await response.json()) as T;
      return response.ok ? body : null;
    } catch {
      return null;
    }
  }

  status(): Promise<NodeStatus | null> {
    return this.get<NodeStatus>('/status');
  }

  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  }

  async create(key: string, value: string, headers: Record<string, string> = {}): Promise<KVEntry> {
    const response = await fetch(`${this.url}/api/kv`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ key, value }),
    });
    if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
    return (await response.json()) as KVEntry;
  }

  ready(): Promise<unknown> {
    return until(`node ${this.id} is ready\n${this.output}`, async () => {
      if (!this.running) throw new Error(`node ${this.id} ended:\n${this.output}`);
      return this.get('/ready');
    });
  }

  /** Resolves when the process has ended; fails with what it said when it goes on. */
  async ended(): Promise<number | null> {
    const signal = AbortSignal.timeout(ENDED_MS_MAX);
    if (this.running)
      await once(this.child, 'exit', { signal }).catch(() => {
        throw new Error(`node ${this.id} goes on:\n${this.output}`);
      });
    return this.child.exitCode;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (!this.running) return;
    this.child.kill(signal);
    await this.ended();
  }

  /** For a node that runs under a wrapper, which ends with it. */
  async killWrapped(dataDirectory: string): Promise<void> {
    process.kill(Number(await readFile(`${dataDirectory}/LOCK`, 'utf8')), 'SIGKILL');
    await this.ended();
  }
}

/** Nodes of one cluster as child processes, in a directory of their own. */
export class ProcessCluster {
  readonly directory: string;
  readonly ports: readonly number[];
  readonly flags: readonly string[];
  readonly started: NodeProcess[] = [];

  private constructor(directory: string, ports: readonly number[], flags: readonly string[]) {
    this.directory = directory;
    this.ports = ports;
    this.flags = flags;
  }

  /** @param count members; one more pair of ports is kept for a node that joins */
  static async create(count: number, flags: readonly string[] = []): Promise<ProcessCluster> {
    const directory = await mkdtemp(`${tmpdir()}/gameday-kv-`);
    return new ProcessCluster(directory, await freePorts(2 * (count + 1)), flags);
  }

  get count(): number {
    return this.ports.length / 2 - 1;
  }

  portOf(place: number): number {
    return this.ports[2 * place]!;
  }

  peerPortOf(place: number): number {
    return this.ports[2 * place + 1]!;
  }

  dataDirectory(id: number): string {
    return `${this.directory}/node_${id}`;
  }

  /** `ID@HOST:PORT/PEERPORT` of all first members. */
  get peers(): string {
    const places = Array.from({ length: this.count }, (_, id) => id);
    return places.map((id) => `${id}@127.0.0.1:${this.portOf(id)}/${this.peerPortOf(id)}`).join(',');
  }

  start(id: number, extra: readonly string[] = [], wrapper: readonly string[] = []): NodeProcess {
    return this.startAt(id, id, ['--peers', this.peers, ...extra], wrapper);
  }

  /** A node that is no first member, at the ports of `place`. */
  startAt(id: number, place: number, extra: readonly string[], wrapper: readonly string[] = []): NodeProcess {
    const flags = ['--node-id', `${id}`, '--port', `${this.portOf(place)}`, '--peer-port', `${this.peerPortOf(place)}`];
    const command = [...wrapper, process.execPath, '--no-warnings', MAIN, ...flags, ...this.flags, ...extra];
    const node = new NodeProcess(id, this.portOf(place), command, { STRESS_TEST_DATA: this.directory });
    this.started.push(node);
    return node;
  }

  async startAll(): Promise<NodeProcess[]> {
    const nodes = Array.from({ length: this.count }, (_, id) => this.start(id));
    await Promise.all(nodes.map((node) => node.ready()));
    return nodes;
  }

  /** The node that leads, as the others see it too. */
  leader(nodes: readonly NodeProcess[]): Promise<NodeProcess> {
    return until('a leader', async () => {
      const statuses = await Promise.all(nodes.map((node) => (node.running ? node.status() : null)));
      const leader = statuses.find((status) => status?.is_leader);
      return nodes.find((node) => node.id === leader?.node_id && node.running);
    });
  }

  /** All have applied the same and have the same state. */
  converged(nodes: readonly NodeProcess[]): Promise<NodeStatus> {
    return until('the same state everywhere', async () => {
      const statuses = await Promise.all(nodes.map((node) => node.status()));
      const [first] = statuses;
      const same = statuses.every(
        (it) => it?.applied_index === first?.applied_index && it?.state_hash === first?.state_hash,
      );
      return same ? first : null;
    });
  }

  async remove(): Promise<void> {
    await Promise.all(this.started.map((node) => node.kill()));
    await rm(this.directory, { recursive: true, force: true });
  }
}
