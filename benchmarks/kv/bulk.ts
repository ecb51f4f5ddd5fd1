/** Writes much in little time, from this process: what k6 would need three times as long for. */
import { Pool } from 'undici';
import type { Api, HttpRequest } from './api.ts';

const CONCURRENCY = 96;

export class BulkClient implements AsyncDisposable {
  readonly #api: Api;
  readonly #pools: readonly Pool[];

  /** @param urls asked in turn */
  constructor(api: Api, urls: readonly string[]) {
    this.#api = api;
    this.#pools = urls.map((url) => new Pool(url, { connections: Math.ceil(CONCURRENCY / urls.length) }));
  }

  /** Resolves with what the new entries are read by. Rejects at the first write that is not acknowledged. */
  async create(entries: number, signal: AbortSignal): Promise<string[]> {
    const handles: string[] = [];
    await this.#inTurn(entries, signal, async (number) => {
      const key = `bulk-${number}`;
      handles[number] = this.#api.handle(key, await this.#send(number, this.#api.create(key)));
    });
    return handles;
  }

  /** Changes these entries one after the other, again and again, `writes` times in all. */
  async change(handles: readonly string[], writes: number, signal: AbortSignal, onWrite = () => {}): Promise<void> {
    await this.#inTurn(writes, signal, async (number) => {
      await this.#send(number, this.#api.change(handles[number % handles.length]!, number));
      onWrite();
    });
  }

  async #inTurn(count: number, signal: AbortSignal, each: (number: number) => Promise<void>): Promise<void> {
    let next = 0;
    const worker = async () => {
      while (next < count) {
        signal.throwIfAborted();
        await each(next++);
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  }

  async #send(number: number, { method, path, body }: HttpRequest): Promise<string> {
    const pool = this.#pools[number % this.#pools.length]!;
    const answer = await pool.request({ method, path, body, headers: { 'content-type': 'application/json' } });
    const text = await answer.body.text();
    if (answer.statusCode < 300) return text;
    throw new Error(`${method} ${path} was answered with ${answer.statusCode}: ${text}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.destroy()));
  }
}
