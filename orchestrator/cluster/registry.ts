/**
 * `processes.json` of a run: which processes it started, written before anything else can go wrong, so that `down --all` finds
 * them after the orchestrator itself was killed.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { identify, type ProcessIdentity } from './identity.ts';

/** Environment variables that every child carries; on Linux they find even a child that was never registered. */
export const RUN_ID_VARIABLE = 'GAMEDAY_RUN_ID';
export const RUN_DIRECTORY_VARIABLE = 'GAMEDAY_RUN_DIRECTORY';

export interface RegisteredProcess extends ProcessIdentity {
  /** `node 1`, `prometheus`, `k6`. */
  readonly name: string;
}

export interface RegistryContent {
  readonly version: 1;
  readonly runId: string;
  /** Absent for a cluster that `up` left running on purpose. */
  readonly orchestrator?: ProcessIdentity;
  readonly processes: readonly RegisteredProcess[];
}

export class ProcessRegistry {
  readonly runId: string;
  readonly runDirectory: string;
  readonly #file: string;
  #content: RegistryContent;

  constructor(options: {
    readonly file: string;
    readonly runId: string;
    readonly runDirectory: string;
    readonly detached?: boolean;
    /** Of an earlier registry in the same place, still running. */
    readonly inherited?: readonly RegisteredProcess[];
  }) {
    this.#file = options.file;
    this.runId = options.runId;
    this.runDirectory = options.runDirectory;
    const self = options.detached ? undefined : identify(process.pid);
    this.#content = {
      version: 1,
      runId: this.runId,
      ...(self ? { orchestrator: self } : {}),
      processes: options.inherited ?? [],
    };
    this.#write();
  }

  /** The marker for a child's environment. */
  environment(): Record<string, string> {
    return { [RUN_ID_VARIABLE]: this.runId, [RUN_DIRECTORY_VARIABLE]: this.runDirectory };
  }

  add(name: string, pid: number): void {
    const identity = identify(pid);
    if (identity === undefined) return;
    this.#content = { ...this.#content, processes: [...this.#content.processes, { name, ...identity }] };
    this.#write();
  }

  /** Never throws: an entry that stays on a full disk names a process that is gone, and is known to be. */
  remove(pid: number): void {
    this.#content = { ...this.#content, processes: this.#content.processes.filter((entry) => entry.pid !== pid) };
    try {
      this.#write();
    } catch {}
  }

  #write(): void {
    // Synchronous and by rename: a SIGKILL between two writes leaves a whole file.
    writeFileSync(`${this.#file}.tmp`, JSON.stringify(this.#content, null, 2));
    renameSync(`${this.#file}.tmp`, this.#file);
  }
}

/** Undefined when there is none or it is not one of ours. */
export function readRegistry(file: string): RegistryContent | undefined {
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as RegistryContent;
    return content.version === 1 && Array.isArray(content.processes) ? content : undefined;
  } catch {
    return undefined;
  }
}
