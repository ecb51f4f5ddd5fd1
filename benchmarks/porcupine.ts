/** Porcupine (https://github.com/anishathalye/porcupine) as a child process: the peer that our linearizability checker is compared with. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { buildGoModule } from './go_module.ts';

export const PORCUPINE_VERSION = '1.3.1';

export interface PorcupineAnswer {
  /** By history: whether it is linearizable. */
  readonly results: readonly boolean[];
  /** Of checking all, without reading. */
  readonly seconds: number;
}

/** The binary's path, or null where there is no Go. Throws with Go's own words when it does not build. */
export function buildPorcupine(): Promise<string | null> {
  return buildGoModule('porcupine', PORCUPINE_VERSION);
}

/** One Porcupine that has read a file and checks it whenever it is asked. */
export class Porcupine implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #answers: AsyncIterator<string>;

  /** @param file in the format of `history/*.ndjson`; each header begins another history */
  static async start(binary: string, file: string): Promise<Porcupine> {
    const porcupine = new Porcupine(binary, file);
    await porcupine.#next();
    return porcupine;
  }

  private constructor(binary: string, file: string) {
    this.#child = spawn(binary, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async check(): Promise<PorcupineAnswer> {
    this.#child.stdin.write('check\n');
    const { results, seconds } = JSON.parse(await this.#next()) as { results: string; seconds: number };
    return { results: [...results].map((sign) => sign === '+'), seconds };
  }

  async #next(): Promise<string> {
    const { done, value } = await this.#answers.next();
    if (done) throw new Error('Porcupine ended before it answered: its own words are above');
    return value;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.kill();
    await closed;
  }
}
