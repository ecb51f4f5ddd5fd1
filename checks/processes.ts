import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

export interface Ended {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  /** stdout and stderr, in the order of their lines' arrival. */
  readonly output: string;
}

const GRACE_MS = 4000;

/** The child processes of the checks, which end together. */
export class Processes {
  readonly #running = new Set<ChildProcess>();
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Runs a command to its end. Each line of output is also given to `onLine`. */
  async run(command: string, parameters: readonly string[], onLine: (line: string) => void = () => {}): Promise<Ended> {
    const child = spawn(command, parameters, { cwd: this.#directory, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#running.add(child);
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        lines.push(line);
        onLine(line);
      });
    }
    try {
      const code = await new Promise<number | null>((resolve, reject) => {
        child.once('error', reject);
        child.once('close', resolve);
      });
      return { code, output: lines.join('\n') };
    } catch (error) {
      return { code: 127, output: `cannot run ${command}: ${(error as Error).message}` };
    } finally {
      this.#running.delete(child);
    }
  }

  /** Ends every child with all of its descendants, also those in process groups of their own. */
  async endAll(): Promise<void> {
    const roots = [...this.#running].flatMap(({ pid }) => pid ?? []);
    const doomed = await withDescendants(roots);
    signalAll(doomed, 'SIGTERM');
    const deadline = performance.now() + GRACE_MS;
    while (doomed.some(isAlive) && performance.now() < deadline) await delay(50);
    signalAll(doomed, 'SIGKILL');
  }
}

/** The processes and all below them, as `ps` sees the tree. */
export async function withDescendants(roots: readonly number[]): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=']);
  const children = new Map<number, number[]>();
  for (const line of stdout.trim().split('\n')) {
    const [pid = 0, parent = 0] = line.trim().split(/\s+/).map(Number);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found: number[] = [];
  const visit = (pid: number): void => {
    found.push(pid);
    for (const child of children.get(pid) ?? []) visit(child);
  };
  for (const root of roots) visit(root);
  return found;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // It has ended meanwhile.
    }
  }
}
