import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { until } from '../../../kit/until.ts';
import type { NodeStatus } from '../api.ts';

const COMMAND = join(import.meta.dirname, '../../../bin/stress_node.mjs');

/** A real `stress_node`, started as a person would start it. */
export class StressNode {
  readonly child: ChildProcess;
  readonly url: string;
  stdout = '';
  stderr = '';
  readonly #exited: Promise<readonly [code: number | null, signal: string | null]>;

  /** @param dataDirectory the value of STRESS_TEST_DATA */
  constructor(flags: Readonly<Record<string, string | number>>, dataDirectory: string) {
    const argv = Object.entries(flags).map(([name, value]) => `--${name}=${value}`);
    this.url = `http://127.0.0.1:${flags.port}`;
    this.child = spawn(process.execPath, ['--no-warnings', COMMAND, ...argv], {
      env: { PATH: process.env.PATH, STRESS_TEST_DATA: dataDirectory },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#exited = once(this.child, 'close') as Promise<[number | null, string | null]>;
  }

  async exit(): Promise<number | string | null> {
    const [code, signal] = await this.#exited;
    return code ?? signal;
  }

  kill(signal: NodeJS.Signals): Promise<number | string | null> {
    this.child.kill(signal);
    return this.exit();
  }

  async ready(): Promise<void> {
    await until(
      () =>
        fetch(`${this.url}/ready`).then(
          (response) => response.ok,
          () => false,
        ),
      { withinMs: 30_000, everyMs: 50, what: `readiness of ${this.url} (it said: ${this.stderr})` },
    );
  }

  async status(): Promise<NodeStatus> {
    return (await (await fetch(`${this.url}/status`)).json()) as NodeStatus;
  }
}
