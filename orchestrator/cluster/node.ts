/** One node of a cluster as a process: what a fault does to it and what can be asked of it. */
import { mkdirSync, readFileSync } from 'node:fs';
import type { ClusterPlan, NodePlace, SystemManifest } from '../../kit/system.ts';
import { Child, type ExitStatus } from './child.ts';
import { httpStatus, isSuccess } from './http_status.ts';
import type { ProcessRegistry } from './registry.ts';

export type NodeState = 'stopped' | 'running' | 'paused';

export interface NodeOptions {
  readonly manifest: SystemManifest;
  readonly place: NodePlace;
  readonly plan: ClusterPlan;
  readonly registry: ProcessRegistry;
  readonly workingDirectory: string;
  readonly logFile: string;
  /** A node ended that nobody had told to. */
  readonly onUnexpectedExit: (node: ClusterNode, status: ExitStatus) => void;
}

const READY_TIMEOUT_MS = 1000;

export class ClusterNode {
  readonly index: number;
  /** Base URL of the first port. */
  readonly url: string;
  readonly place: NodePlace;
  readonly logFile: string;
  readonly #options: NodeOptions;
  #child: Child | undefined;
  #paused = false;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.place = options.place;
    this.index = options.place.index;
    this.logFile = options.logFile;
    const firstPort = options.place.ports[options.manifest.ports[0]!.name]!;
    this.url = `http://${options.place.host}:${firstPort}`;
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
    const { manifest, place, plan, registry, workingDirectory, logFile } = this.#options;
    mkdirSync(place.dataDirectory, { recursive: true });
    const { command, arguments: words, environment } = manifest.start(place, plan);
    const name = `node ${this.index}`;
    const child = await Child.start(
      { name, command, arguments: words, environment, workingDirectory, logFile },
      registry,
    );
    this.#child = child;
    this.#paused = false;
    void child.exited.then((status) => {
      // Whoever ends a node on purpose has let go of the child before.
      if (this.#child === child) this.#options.onUnexpectedExit(this, status);
    });
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

  pause(): void {
    if (this.state !== 'running') throw new Error(`node ${this.index} is ${this.state} and cannot be paused`);
    this.#child?.signal('SIGSTOP');
    this.#paused = true;
  }

  resume(): void {
    if (this.state === 'stopped') throw new Error(`node ${this.index} is stopped and cannot be resumed`);
    this.#child?.signal('SIGCONT');
    this.#paused = false;
  }

  async isReady(): Promise<boolean> {
    if (this.state !== 'running') return false;
    return isSuccess(await httpStatus(this.url + this.#options.manifest.paths.ready, READY_TIMEOUT_MS));
  }

  /** A client's request, which only a working cluster can answer. */
  async serves(timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
    return isSuccess(await httpStatus(this.url + this.#options.manifest.paths.probe, timeoutMs, signal));
  }

  async hasRole(role: string): Promise<boolean> {
    const test = this.#options.manifest.roles[role];
    if (test === undefined) throw new Error(`${this.#options.manifest.name} has no role "${role}"`);
    return this.state === 'running' && (await test(this.url).catch(() => false));
  }

  logTail(lines: number): string {
    try {
      return readFileSync(this.logFile, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
    } catch {
      return '';
    }
  }

  #letGo(what: string): Child {
    const child = this.#child;
    if (child === undefined || child.status !== undefined)
      throw new Error(`node ${this.index} is stopped and cannot be ${what}`);
    this.#child = undefined;
    return child;
  }
}
