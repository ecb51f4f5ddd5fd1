/** Child processes: each the leader of a process group of its own, registered, its output in a log file. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessRegistry } from './registry.ts';

export interface ChildOptions {
  /** For people: `node 1`. */
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  /** On top of the orchestrator's own environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string;
  /** Appended to. */
  readonly logFile: string;
}

export interface ExitStatus {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves once; never rejects. */
  readonly exited: Promise<ExitStatus>;
  readonly #process: ChildProcess;
  #status: ExitStatus | undefined;
  #released = false;

  private constructor(name: string, process: ChildProcess, pid: number, exited: Promise<ExitStatus>) {
    this.name = name;
    this.pid = pid;
    this.#process = process;
    this.exited = exited.then((status) => {
      this.#status = status;
      return status;
    });
  }

  /** Resolves when the process exists; rejects when it could not be started. */
  static async start(options: ChildOptions, registry: ProcessRegistry): Promise<Child> {
    const log = openSync(options.logFile, 'a');
    try {
      const child = spawn(options.command, options.arguments, {
        cwd: options.workingDirectory,
        // A group of its own: signals reach what it started too, and Ctrl-C in the terminal reaches only the orchestrator.
        detached: true,
        stdio: ['ignore', log, log],
        env: childEnvironment(process.env, { ...options.environment, ...registry.environment() }),
      });
      const exited = new Promise<ExitStatus>((resolve) => {
        child.once('exit', (code, signal) => resolve({ code, signal }));
      });
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      const { pid } = child;
      if (pid === undefined) throw new Error(`${options.name} has no process id`);
      try {
        registry.add(options.name, pid);
      } catch (error) {
        // Nobody would find it again.
        signalGroup(pid, 'SIGKILL');
        throw error;
      }
      const started = new Child(options.name, child, pid, exited);
      void exited.then(() => started.#released || registry.remove(pid));
      return started;
    } finally {
      closeSync(log);
    }
  }

  /** Undefined while it runs. */
  get status(): ExitStatus | undefined {
    return this.#status;
  }

  /** The orchestrator may end while the child goes on; the registry keeps it. */
  release(): void {
    this.#released = true;
    this.#process.unref();
  }

  /** To the whole group. A process that is gone is no mistake. */
  signal(signal: NodeJS.Signals): void {
    if (this.#status === undefined) signalGroup(this.pid, signal);
  }

  /** SIGTERM (and SIGCONT, since a stopped process hears nothing else), then SIGKILL after `graceMs`. */
  async stop(graceMs: number): Promise<ExitStatus> {
    this.signal('SIGTERM');
    this.signal('SIGCONT');
    const aborter = new AbortController();
    const late = delay(graceMs, 'late' as const, { signal: aborter.signal }).catch(() => 'late' as const);
    if ((await Promise.race([this.exited, late])) === 'late') this.signal('SIGKILL');
    aborter.abort();
    return this.exited;
  }
}

/** To the process group of that number, or to the process alone when it leads none. One that is gone is no mistake. */
export function signalGroup(pid: number, signal: NodeJS.Signals): void {
  for (const receiver of [-pid, pid]) {
    try {
      process.kill(receiver, signal);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

/** Proxies are for the tools' downloads; what runs here talks to itself over loopback. */
function childEnvironment(own: NodeJS.ProcessEnv, added: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const loopback = '127.0.0.1,localhost,::1';
  const noProxy = [own.NO_PROXY ?? own.no_proxy, loopback].filter(Boolean).join(',');
  return { ...own, NO_PROXY: noProxy, no_proxy: noProxy, ...added };
}
