/** One node of a cluster as a process: what a fault does to it and what can be asked of it. */
import { mkdirSync, readFileSync, renameSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ClusterPlan, NodeFaultSet, NodePlace, SystemManifest } from '../../kit/system.ts';
import type { NodeProcess } from './adopted.ts';
import { Child, type ExitStatus } from './child.ts';
import { processState } from './identity.ts';
import { NodeClient } from './node_client.ts';
import type { ProcessRegistry } from './registry.ts';

export type NodeState = 'stopped' | 'running' | 'paused';

export interface NodeOptions {
  readonly manifest: SystemManifest;
  /** Of an earlier version, which starts the node until `upgrade`. */
  readonly earlier?: SystemManifest;
  readonly place: NodePlace;
  readonly plan: ClusterPlan;
  readonly registry: ProcessRegistry;
  readonly workingDirectory: string;
  readonly logFile: string;
  /** A node ended that nobody had told to. */
  readonly onUnexpectedExit: (node: ClusterNode, status: ExitStatus) => void;
}

/** A signal is delivered at once; this is for a machine that is not there at the moment. */
const STOPPED_MS_MAX = 2000;

export class ClusterNode {
  readonly index: number;
  /** Base URL of the first port. */
  readonly url: string;
  readonly place: NodePlace;
  readonly logFile: string;
  readonly #options: NodeOptions;
  readonly #client: NodeClient;
  #child: NodeProcess | undefined;
  #paused = false;
  #upgraded = false;
  /** Whose end, when it comes, is wanted. */
  #endExpected: NodeProcess | undefined;
  /** The id under which it joined after its data were lost; undefined for a node that is what it was at first. */
  #rejoinedAs: number | undefined;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.place = options.place;
    this.index = options.place.index;
    this.logFile = options.logFile;
    const firstPort = options.place.ports[options.manifest.ports[0]!.name]!;
    this.url = `http://${options.place.host}:${firstPort}`;
    this.#client = new NodeClient(options.manifest, this.url);
  }

  get state(): NodeState {
    if (this.#child === undefined || this.#child.status !== undefined) return 'stopped';
    return this.#paused ? 'paused' : 'running';
  }

  /** Of the last start; 0 before the first. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get exitStatus(): ExitStatus | undefined {
    return this.#child?.status;
  }

  /** Starts the process; it is ready only later. */
  async start(): Promise<void> {
    if (this.state !== 'stopped') throw new Error(`node ${this.index} is ${this.state} and cannot be started`);
    const { manifest, earlier, place, plan, registry, workingDirectory, logFile } = this.#options;
    mkdirSync(place.dataDirectory, { recursive: true });
    const starter = this.#upgraded ? manifest : (earlier ?? manifest);
    const {
      command,
      arguments: words,
      environment,
    } = this.#rejoinedAs === undefined ? starter.start!(place, plan) : manifest.rejoin!(place, plan, this.#rejoinedAs);
    const name = `node ${this.index}`;
    const child = await Child.start(
      { name, command, arguments: words, environment, workingDirectory, logFile },
      registry,
    );
    this.#child = child;
    this.#paused = false;
    void child.exited.then((status) => {
      // Whoever ends a node on purpose has let go of the child before.
      if (this.#child === child && this.#endExpected !== child) this.#options.onUnexpectedExit(this, status);
    });
  }

  /** The version under test is what starts from now on, not the one before. */
  upgrade(): void {
    this.#upgraded = true;
  }

  async operate(name: string): Promise<void> {
    const { manifest, plan } = this.#options;
    const port = manifest.ports[0]!.name;
    await this.#client.operate(
      name,
      plan.nodes.map(({ host, ports }) => `http://${host}:${ports[port]}`),
    );
  }

  /** Takes over a process that an earlier command started. */
  adopt(process: NodeProcess): void {
    if (this.state !== 'stopped') throw new Error(`node ${this.index} is ${this.state} and has a process`);
    this.#child = process;
    this.#paused = processState(process.pid) === 'T';
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    const child = this.#letGo('killed');
    child.signal('SIGKILL');
    await child.exited;
  }

  /** SIGTERM, SIGKILL after `graceMs`; resolves when the process is gone. */
  async terminate(graceMs: number): Promise<void> {
    await this.#letGo('terminated').stop(graceMs);
  }

  /** The orchestrator may end while the node goes on. */
  release(): void {
    this.#child?.release();
  }

  /** SIGSTOP; resolves when the process stands still, where that can be seen. */
  async pause(): Promise<void> {
    if (this.state !== 'running') throw new Error(`node ${this.index} is ${this.state} and cannot be paused`);
    this.#child?.signal('SIGSTOP');
    this.#paused = true;
    const deadline = performance.now() + STOPPED_MS_MAX;
    while (processState(this.pid) !== 'T' && process.platform === 'linux') {
      if (performance.now() > deadline) throw new Error(`node ${this.index} goes on after SIGSTOP`);
      await delay(5);
    }
  }

  /** SIGCONT. Throws, with the node awake, when somebody else had woken it before: then it has not stood still all the time. */
  resume(): void {
    if (this.state === 'stopped') throw new Error(`node ${this.index} is stopped and cannot be resumed`);
    const wasAwake = process.platform === 'linux' && this.#paused && processState(this.pid) !== 'T';
    this.#child?.signal('SIGCONT');
    this.#paused = false;
    if (wasAwake) throw new Error(`node ${this.index} was paused, and somebody else woke it before its time`);
  }

  /** The running process is about to end by itself: resolves with how, or undefined when it has not in time. */
  async endsWithin(timeoutMs: number, signal: AbortSignal): Promise<string | undefined> {
    const child = this.#child;
    if (child === undefined) throw new Error(`node ${this.index} is stopped and cannot end`);
    this.#endExpected = child;
    const aborter = new AbortController();
    const late = delay(timeoutMs, undefined, { signal: AbortSignal.any([aborter.signal, signal]) }).catch(
      () => undefined,
    );
    const status = await Promise.race([child.exited, late]);
    aborter.abort();
    if (status === undefined) this.#endExpected = undefined;
    return status && (status.signal ? `ended by ${status.signal}` : `exit code ${status.code}`);
  }

  /** Moves the data aside, as evidence, and starts an empty node that takes this one's place in the cluster. */
  async rejoin(): Promise<void> {
    const { manifest, place, plan } = this.#options;
    if (manifest.rejoin === undefined) throw new Error(`${manifest.name} cannot take a node in again`);
    const count = plan.nodes.length;
    const id = (this.#rejoinedAs ?? this.index) + count;
    renameSync(place.dataDirectory, `${place.dataDirectory}.damaged-${Math.floor(id / count)}`);
    this.#rejoinedAs = id;
    await this.start();
  }

  async applyFaults(set: NodeFaultSet): Promise<NodeFaultSet> {
    const { manifest, plan } = this.#options;
    if (manifest.nodeFaults === undefined || plan.faultToken === undefined)
      throw new Error(`node ${this.index} was not started with fault endpoints`);
    await manifest.nodeFaults.apply(this.url, plan.faultToken, set);
    return manifest.nodeFaults.read(this.url, plan.faultToken);
  }

  async isReady(): Promise<boolean> {
    return this.state === 'running' && (await this.#client.isReady());
  }

  /** True, or what the node did instead of being ready, in words. */
  readiness(): Promise<true | string> {
    return this.#client.readiness();
  }

  /** A client's request, which only a working cluster can answer. */
  serves(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return this.#client.serves(timeoutMs, signal);
  }

  async hasRole(role: string): Promise<boolean> {
    return this.state === 'running' && (await this.#client.hasRole(role));
  }

  logTail(lines: number): string {
    try {
      return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } catch {
      return '';
    }
  }

  #letGo(what: string): NodeProcess {
    const child = this.#child;
    if (child === undefined || child.status !== undefined)
      throw new Error(`node ${this.index} is stopped and cannot be ${what}`);
    this.#child = undefined;
    return child;
  }
}
