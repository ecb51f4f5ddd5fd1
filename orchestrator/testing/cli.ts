/** Runs the command line as a person does, in a `.gameday` directory of the test's own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { identify } from '../cluster/identity.ts';
import { RUN_DIRECTORY_VARIABLE } from '../cluster/registry.ts';
import type { RunRecord } from '../run/record.ts';

export const root = resolve(import.meta.dirname, '../..');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const GAMEDAY = join(root, 'bin/gameday.mjs');
const LAUNCHER = `
const env = { ...process.env, GAMEDAY_LAUNCHER: String(process.pid) };
require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit', env });
`;

export class Playground {
  /** Stands for `.gameday`. */
  readonly directory = realpathSync(mkdtempSync(join(tmpdir(), 'gameday-cli-')));

  start(...words: string[]): Gameday {
    return new Gameday([GAMEDAY, ...words], this.directory);
  }

  /** With a process in between, as bin/handover.mjs is one where Node is old; signals go to that one. */
  startByLauncher(...words: string[]): Gameday {
    return new Gameday(['--eval', LAUNCHER, GAMEDAY, ...words], this.directory);
  }

  async run(...words: string[]): Promise<Ended> {
    return this.start(...words).ended;
  }

  /** Of the last run. */
  get runDirectory(): string {
    const [last] = readdirSync(join(this.directory, 'runs')).sort().reverse();
    return join(this.directory, 'runs', last!);
  }

  record(): RunRecord {
    return JSON.parse(readFileSync(join(this.runDirectory, 'run.json'), 'utf8')) as RunRecord;
  }

  /** Pids that bear the marker of a run of this playground; Linux only. */
  processes(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && identify(Number(name)) !== undefined)
      .filter((name) => environmentOf(name).includes(`${RUN_DIRECTORY_VARIABLE}=${this.directory}/`))
      .map(Number);
  }

  async remove(): Promise<void> {
    await this.run('down', '--all');
    rmSync(this.directory, { recursive: true, force: true });
  }
}

export class Gameday {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';

  constructor(parameters: readonly string[], directory: string) {
    // Whatever Node runs the test is a current one: no hand-over, so the pid is the orchestrator's.
    this.#child = spawn(process.execPath, parameters, {
      cwd: root,
      env: { ...process.env, GAMEDAY_DIRECTORY: directory },
    });
    this.#child.stdout!.on('data', (text) => {
      this.#stdout += text;
    });
    this.#child.stderr!.on('data', (text) => {
      this.#stderr += text;
    });
    this.ended = new Promise((done) => {
      this.#child.once('close', (code) => done({ code, stdout: this.#stdout, stderr: this.#stderr }));
    });
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Closes the pipes, as `head` does when it has seen enough. */
  stopReading(): void {
    this.#child.stdout!.destroy();
    this.#child.stderr!.destroy();
  }

  /** Resolves when the text has been written to either stream. */
  async says(text: string, withinMs = 60_000): Promise<void> {
    const deadline = performance.now() + withinMs;
    while (!(this.#stdout + this.#stderr).includes(text)) {
      if (performance.now() > deadline || this.#child.exitCode !== null) {
        throw new Error(`"${text}" was never said; it said:\n${this.#stdout}\n${this.#stderr}`);
      }
      await new Promise((resume) => setTimeout(resume, 20));
    }
  }
}

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}
