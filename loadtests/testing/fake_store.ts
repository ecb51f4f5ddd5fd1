/**
 * A key-value store with the HTTP interface of `services/kv` on one map and several ports, which misbehaves when told to: for
 * testing the load scripts, not the store.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

interface Entry {
  readonly id: string;
  readonly key: string;
  readonly value: string;
  readonly seq: number;
  readonly source_node: number;
  readonly created_at: string;
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

/** How the store misbehaves; all off at first. */
export interface Misbehaviour {
  /** Acknowledges every n-th create without storing it. */
  loseEveryCreate?: number;
  /** Every n-th read of an entry shows what it was before its last change. */
  staleEveryRead?: number;
  /** Executes every write, whatever its idempotency key. */
  forgetKeys?: boolean;
  /** Answers 503 to everything. */
  unavailable?: boolean;
  /** Waits so long before it answers. */
  delayMs?: number;
  /** Executes the write, then ends the connection without an answer: what a crash after the commit looks like. */
  breakEveryWrite?: number;
}

export class FakeStore {
  readonly misbehaviour: Misbehaviour = {};
  /** Requests seen, and writes executed by their idempotency key. */
  requests = 0;
  readonly executed = new Map<string, number>();
  readonly #entries = new Map<string, Entry>();
  readonly #before = new Map<string, Entry>();
  readonly #answers = new Map<string, Answer>();
  readonly #servers: Server[] = [];
  #writes = 0;
  #reads = 0;

  /** @returns the base URL of each node */
  async start(nodes: number): Promise<string[]> {
    for (let node = 0; node < nodes; node += 1) {
      const server = createServer((request, response) => void this.#serve(node, request, response));
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      this.#servers.push(server);
    }
    return this.#servers.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  }

  /** Ends one node for good: its port refuses connections from then on. */
  kill(node: number): void {
    this.#servers[node]?.close();
    this.#servers[node]?.closeAllConnections();
  }

  stop(): void {
    for (const [node] of this.#servers.entries()) this.kill(node);
  }

  async #serve(node: number, request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.requests += 1;
    let body = '';
    for await (const chunk of request) body += String(chunk);
    if (this.misbehaviour.delayMs !== undefined) await sleep(this.misbehaviour.delayMs);
    const writes = this.#writes;
    const answer = this.#answer(node, request, body);
    // Not when it is asked again: whoever repeats a write gets the answer that was lost.
    const isWritten = this.#writes > writes;
    if (isWritten && this.#writes % (this.misbehaviour.breakEveryWrite ?? Number.POSITIVE_INFINITY) === 0) {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(answer.body === undefined ? undefined : JSON.stringify(answer.body));
  }

  #answer(node: number, request: IncomingMessage, body: string): Answer {
    if (this.misbehaviour.unavailable) {
      return { status: 503, body: { error: { code: 'NO_QUORUM', message: 'no leader', definite: true } } };
    }
    const idempotencyKey = request.headers['idempotency-key'];
    if (request.method === 'GET') return this.#get(String(request.url));
    if (typeof idempotencyKey !== 'string') return { status: 400, body: { error: { code: 'VALIDATION' } } };
    const earlier = this.#answers.get(idempotencyKey);
    if (earlier !== undefined && !this.misbehaviour.forgetKeys) return earlier;
    const answer = this.#write(node, request, body);
    this.executed.set(idempotencyKey, (this.executed.get(idempotencyKey) ?? 0) + 1);
    this.#answers.set(idempotencyKey, answer);
    return answer;
  }

  #get(url: string): Answer {
    if (url === '/status') return { status: 200, body: { applied_index: this.#writes, state_hash: 'same' } };
    if (url === '/_raft/health') return { status: 200, body: { role: 'leader', has_quorum: true } };
    if (url.startsWith('/api/kv?')) return { status: 200, body: [...this.#entries.values()] };
    const id = url.replace('/api/kv/', '');
    this.#reads += 1;
    const isStale = this.#reads % (this.misbehaviour.staleEveryRead ?? Number.POSITIVE_INFINITY) === 0;
    const entry = (isStale ? this.#before.get(id) : undefined) ?? this.#entries.get(id);
    return entry === undefined ? { status: 404, body: { error: { code: 'NOT_FOUND' } } } : { status: 200, body: entry };
  }

  #write(node: number, request: IncomingMessage, body: string): Answer {
    this.#writes += 1;
    const seq = this.#writes;
    if (request.method === 'POST') {
      const { key, value } = JSON.parse(body) as { key: string; value: string };
      const entry = { id: randomUUID(), key, value, seq, source_node: node, created_at: new Date().toISOString() };
      if (seq % (this.misbehaviour.loseEveryCreate ?? Number.POSITIVE_INFINITY) !== 0)
        this.#entries.set(entry.id, entry);
      return { status: 201, body: entry };
    }
    const id = String(request.url).replace('/api/kv/', '');
    const before = this.#entries.get(id);
    if (before === undefined) return { status: 404, body: { error: { code: 'NOT_FOUND' } } };
    if (request.method === 'DELETE') {
      this.#entries.delete(id);
      return { status: 204 };
    }
    const entry = { ...before, ...(JSON.parse(body) as { value: string }), seq };
    this.#before.set(id, before);
    this.#entries.set(id, entry);
    return { status: 200, body: entry };
  }
}
