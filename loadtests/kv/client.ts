/**
 * Typed client of the key-value API. Every call is one operation: it retries at other nodes until its deadline, always with the
 * same idempotency key, so that a write whose first attempt got no answer is still executed once.
 */
import type { RefinedResponse } from 'k6/http';
import http from 'k6/http';
import type { OperationResult, Operations, Reply } from '../lib/operation.ts';

export interface KvEntry {
  readonly id: string;
  readonly key: string;
  readonly value: string;
  /** Sequence number for ordering. */
  readonly seq: number;
  /** Which node created it. */
  readonly source_node: number;
  /** RFC 3339, UTC. */
  readonly created_at: string;
}

export interface KvReply<T> extends Reply {
  /** Null unless the status is 2xx and the body is JSON. */
  readonly body: T | null;
}

export type KvResult<T> = OperationResult<KvReply<T>>;

interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  /** The request's metrics are filed under this name: a path with an id in it would make one series for each entry. */
  readonly name: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  /** Index of the node to ask first. */
  readonly node?: number;
}

export class KvClient {
  readonly #targets: readonly string[];
  readonly #operations: Operations;

  constructor(targets: readonly string[], operations: Operations) {
    this.#targets = targets;
    this.#operations = operations;
  }

  create(entry: { key: string; value: string }, idempotencyKey: string): KvResult<KvEntry> {
    return this.#call({ method: 'POST', path: '/api/kv', name: 'POST /api/kv', body: entry, idempotencyKey });
  }

  update(id: string, change: { key?: string; value?: string }, idempotencyKey: string): KvResult<KvEntry> {
    return this.#call({ method: 'PUT', path: `/api/kv/${id}`, name: 'PUT /api/kv/:id', body: change, idempotencyKey });
  }

  delete(id: string, idempotencyKey: string): KvResult<never> {
    return this.#call({ method: 'DELETE', path: `/api/kv/${id}`, name: 'DELETE /api/kv/:id', idempotencyKey });
  }

  /** Linearizable. @param node index of the node to ask first */
  get(id: string, node?: number): KvResult<KvEntry> {
    return this.#call({ method: 'GET', path: `/api/kv/${id}`, name: 'GET /api/kv/:id', node });
  }

  /** Linearizable, in pages. @param after id of the last entry of the page before */
  list(query: { limit: number; after?: string }): KvResult<KvEntry[]> {
    const after = query.after === undefined ? '' : `&after=${query.after}`;
    return this.#call({ method: 'GET', path: `/api/kv?limit=${query.limit}${after}`, name: 'GET /api/kv' });
  }

  #call<T>(call: Call): KvResult<T> {
    const body = call.body === undefined ? null : JSON.stringify(call.body);
    return this.#operations.run(({ node, timeoutSeconds }) => {
      const headers: Record<string, string> = { 'Request-Timeout': timeoutSeconds.toFixed(3) };
      if (body !== null) headers['Content-Type'] = 'application/json';
      if (call.idempotencyKey !== undefined) headers['Idempotency-Key'] = call.idempotencyKey;
      const response = http.request(call.method, `${this.#targets[node]}${call.path}`, body, {
        headers,
        // The node gives up at `Request-Timeout` and says so; the client waits a little longer, to hear it.
        timeout: `${Math.round(timeoutSeconds * 1000) + 50}ms`,
        tags: { name: call.name },
        responseType: 'text',
      });
      const { blocked, connecting, duration } = response.timings;
      const seconds = (blocked + connecting + duration) / 1000;
      return { status: response.status, errorCode: response.error_code, seconds, body: json<T>(response) };
    }, call.node);
  }
}

function json<T>(response: RefinedResponse<'text'>): T | null {
  if (response.status < 200 || response.status >= 300 || !response.body) return null;
  try {
    return JSON.parse(response.body) as T;
  } catch {
    return null;
  }
}
