/** A process that an earlier command started and left running: known by its identity, watched by looking. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Child, type ExitStatus, signalGroup } from './child.ts';
import { isRunning, type ProcessIdentity } from './identity.ts';

/** What a node needs of its process. */
export type NodeProcess = Pick<Child, 'pid' | 'status' | 'exited' | 'signal' | 'stop' | 'release'>;

const POLL_MS = 20;
/** How it ended is told to its parent only, which is gone. */
const GONE: ExitStatus = { code: null, signal: null };

export class AdoptedProcess implements NodeProcess {
  readonly #identity: ProcessIdentity;
  #exited: Promise<ExitStatus> | undefined;

  constructor(identity: ProcessIdentity) {
    this.#identity = identity;
  }

  get pid(): number {
    return this.#identity.pid;
  }

  get status(): ExitStatus | undefined {
    return isRunning(this.#identity) ? undefined : GONE;
  }

  /** Looks for its end from the first time that somebody asks. */
  get exited(): Promise<ExitStatus> {
    this.#exited ??= (async () => {
      while (isRunning(this.#identity)) await delay(POLL_MS);
      return GONE;
    })();
    return this.#exited;
  }

  signal(signal: NodeJS.Signals): void {
    if (isRunning(this.#identity)) signalGroup(this.pid, signal);
  }

  async stop(graceMs: number): Promise<ExitStatus> {
    this.signal('SIGTERM');
    this.signal('SIGCONT');
    if ((await Promise.race([this.exited, delay(graceMs, 'late' as const)])) === 'late') this.signal('SIGKILL');
    return this.exited;
  }

  /** It never was this process's child. */
  release(): void {}
}
