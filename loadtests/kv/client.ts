/**
 * Typed client of the key-value API. Every call is one operation: it retries at other nodes until its deadline, always with the
 * same idempotency key, so that a write whose first attempt got no answer is still executed once. Each call is recorded.
 */
import type { RefinedResponse } from 'k6/http';
import http from 'k6/http';
import type { History, Observation } from '../lib/history.ts';
import { readObservation, writeObservation } from '../lib/history.ts';
import type { OperationResult, Operations, Reply } from '../lib/operation.ts';
import type { StoreClient, StoredEntry } from '../lib/user.ts';

export interface KvEntry extends StoredEntry {
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
  readonly node?: number | undefined;
}

const CREATE = { method: 'POST', path: '/api/kv', name: 'POST /api/kv' } as const;

type Observe<T> = (result: KvResult<T>) => Observation | null;

export class KvClient implements StoreClient {
  readonly #targets: readonly string[];
  readonly #operations: Operations;
  readonly #history: History | null;

  /** @param history null to record nothing */
  constructor(targets: readonly string[], operations: Operations, history: History | null) {
    this.#targets = targets;
    this.#operations = operations;
    this.#history = history;
  }

  /** @param node index of the node to ask first; any when absent, here and below */
  create(entry: { key: string; value: string }, idempotencyKey: string, node?: number): KvResult<KvEntry> {
    const observe: Observe<KvEntry> = (result) =>
      writeObservation('create', result.reply.body?.id ?? null, entry.value, result);
    return this.#call({ ...CREATE, body: entry, idempotencyKey, node }, observe);
  }

  /** A create that was answered before, with the same key: an operation of its own only if it makes another entry. */
  repeat(entry: { key: string; value: string }, idempotencyKey: string, first: KvEntry): { once: boolean } | null {
    const observe: Observe<KvEntry> = (result) => {
      const id = result.reply.body?.id ?? null;
      return id === first.id ? null : writeObservation('create', id, entry.value, result);
    };
    const { ok, reply } = this.#call({ ...CREATE, body: entry, idempotencyKey }, observe);
    return ok ? { once: reply.body?.id === first.id && reply.body.seq === first.seq } : null;
  }

  update(id: string, change: { value: string }, idempotencyKey: string, node?: number): KvResult<KvEntry> {
    const call: Call = {
      method: 'PUT',
      path: `/api/kv/${id}`,
      name: 'PUT /api/kv/:id',
      body: change,
      idempotencyKey,
      node,
    };
    return this.#call(call, (result) => writeObservation('update', id, change.value, result));
  }

  delete(id: string, idempotencyKey: string, node?: number): KvResult<never> {
    const call: Call = { method: 'DELETE', path: `/api/kv/${id}`, name: 'DELETE /api/kv/:id', idempotencyKey, node };
    return this.#call(call, (result) => writeObservation('delete', id, null, result));
  }

  /** Linearizable. */
  get(id: string, node?: number): KvResult<KvEntry> {
    const observe: Observe<KvEntry> = (result) => readObservation(id, result.reply.body?.value ?? null, result);
    return this.#call({ method: 'GET', path: `/api/kv/${id}`, name: 'GET /api/kv/:id', node }, observe);
  }

  #call<T>(call: Call, observe: Observe<T>): KvResult<T> {
    const perform = () => this.#perform<T>(call);
    return this.#history === null ? perform() : this.#history.run(perform, observe);
  }

  #perform<T>(call: Call): KvResult<T> {
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
      const { status, error_code: errorCode } = response;
      return { status, errorCode, seconds, body: json<T>(response), definite: isDefinite(response) };
    }, call.node);
  }
}

function json<T>(response: RefinedResponse<'text'>): T | null {
  return response.status >= 200 && response.status < 300 ? (parsed(response) as T | null) : null;
}

/** Whether an error says that the request has not been and will not be executed (kit/errors.ts). */
function isDefinite(response: RefinedResponse<'text'>): boolean {
  if (response.status < 400) return false;
  return (parsed(response) as { error?: { definite?: unknown } } | null)?.error?.definite === true;
}

function parsed(response: RefinedResponse<'text'>): unknown {
  try {
    return response.body ? JSON.parse(response.body) : null;
  } catch {
    return null;
  }
}
