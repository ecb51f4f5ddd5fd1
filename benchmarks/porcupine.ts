/** Porcupine (https://github.com/anishathalye/porcupine) as a child process: the peer that our linearizability checker is compared with. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { findOnPath } from '../tools/locate.ts';
import { cacheDirectory, thisMachine } from '../tools/surroundings.ts';

export const PORCUPINE_VERSION = '1.3.1';

export interface PorcupineAnswer {
  /** By history: whether it is linearizable. */
  readonly results: readonly boolean[];
  /** Of checking all, without reading. */
  readonly seconds: number;
}

/**
 * Builds `benchmarks/porcupine` into the tool cache, once for each state of its source. Returns the binary's path, or null where
 * there is no Go. Throws with Go's own words when it does not build.
 */
export async function buildPorcupine(): Promise<string | null> {
  const surroundings = thisMachine();
  const go = await findOnPath('go', surroundings);
  if (!go) return null;
  const module = join(import.meta.dirname, 'porcupine');
  const hash = createHash('sha256');
  for (const file of ['go.mod', 'go.sum', 'main.go']) hash.update(await readFile(join(module, file)));
  const directory = join(
    cacheDirectory(surroundings),
    'porcupine',
    `${PORCUPINE_VERSION}-${hash.digest('hex').slice(0, 12)}`,
  );
  const binary = join(directory, 'porcupine');
  if (
    await access(binary).then(
      () => true,
      () => false,
    )
  )
    return binary;
  await mkdir(directory, { recursive: true });
  // Two builds at once each make their own file, and the later one takes the place of the equal earlier one.
  const fresh = `${binary}.${process.pid}`;
  await run(go, ['build', '-mod=readonly', '-trimpath', '-buildvcs=false', '-o', fresh, '.'], module);
  await rename(fresh, binary);
  return binary;
}

async function run(command: string, args: readonly string[], cwd: string): Promise<void> {
  const env = { ...process.env, CGO_ENABLED: '0', GOWORK: 'off' };
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (piece) => {
    said += piece;
  });
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} in ${cwd} failed: ${said.trim()}`);
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
