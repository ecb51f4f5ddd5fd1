/**
 * Typed client of etcd's JSON gateway: https://etcd.io/docs/v3.6/dev-guide/api_grpc_gateway/
 * Writes are sent again without fear, see requests.ts.
 */
import encoding from 'k6/encoding';
import type { RefinedResponse } from 'k6/http';
import http from 'k6/http';
import type { History, Observation } from '../../../loadtests/lib/history.ts';
import { readObservation, writeObservation } from '../../../loadtests/lib/history.ts';
import type { Attempt, OperationResult, Operations, Reply } from '../../../loadtests/lib/operation.ts';
import type { StoreClient, StoredEntry, StoreReply, StoreResult } from '../../../loadtests/lib/user.ts';
import { isDefinite, isRepeated, isWithoutEffect, statusOf } from './answers.ts';
import { deleteOf, putOf, rangeOf } from './requests.ts';

export interface EtcdOptions {
  /** A member answers reads from what it has, without asking the others: the answer may be old. False unless said. */
  readonly serializable?: boolean;
}

interface WriteReply extends Reply {
  /** The condition said that this write, or a later one of the client, has been executed. */
  readonly repeated: boolean;
}

const { b64encode } = encoding;
const OK = 200;
const NOT_FOUND = 404;

export class EtcdClient implements StoreClient {
  readonly #targets: readonly string[];
  readonly #operations: Operations;
  readonly #history: History | null;
  readonly #serializable: boolean;

  /** @param history null to record nothing */
  constructor(
    targets: readonly string[],
    operations: Operations,
    history: History | null,
    { serializable = false }: EtcdOptions = {},
  ) {
    this.#targets = targets;
    this.#operations = operations;
    this.#history = history;
    this.#serializable = serializable;
  }

  create({ key, value }: { key: string; value: string }, idempotencyKey: string, node?: number): StoreResult {
    const write = () => this.#write(putOf(key, value, idempotencyKey, b64encode), node);
    return withEntry(
      this.#record(write, (result) => writeObservation('create', key, value, result)),
      key,
      value,
    );
  }

  repeat({ key, value }: { key: string; value: string }, idempotencyKey: string): { once: boolean } | null {
    // If it took effect again, it is a write of its own: the value that was there comes back.
    const observe = (result: OperationResult<WriteReply>) =>
      result.reply.repeated ? null : writeObservation('update', key, value, result);
    const { ok, reply } = this.#record(() => this.#write(putOf(key, value, idempotencyKey, b64encode)), observe);
    return ok ? { once: reply.repeated } : null;
  }

  update(id: string, { value }: { value: string }, idempotencyKey: string, node?: number): StoreResult {
    const write = () => this.#write(putOf(id, value, idempotencyKey, b64encode), node);
    return withEntry(
      this.#record(write, (result) => writeObservation('update', id, value, result)),
      id,
      value,
    );
  }

  delete(id: string, idempotencyKey: string, node?: number): OperationResult<Reply> {
    const write = () => this.#write(deleteOf(id, idempotencyKey, b64encode), node);
    return this.#record(write, (result) => writeObservation('delete', id, null, result));
  }

  get(id: string, node?: number): StoreResult {
    const body = rangeOf(id, this.#serializable, b64encode);
    const perform = () =>
      this.#operations.run((attempt) => {
        const response = this.#post(attempt, 'POST /v3/kv/range', '/v3/kv/range', body);
        return readReply(id, response);
      }, node);
    return this.#record(perform, (result) => readObservation(id, result.reply.body?.value ?? null, result));
  }

  #record<R extends Reply>(
    perform: () => OperationResult<R>,
    observe: (result: OperationResult<R>) => Observation | null,
  ): OperationResult<R> {
    return this.#history === null ? perform() : this.#history.run(perform, observe);
  }

  #write(body: string, node?: number): OperationResult<WriteReply> {
    return this.#operations.run((attempt) => {
      const response = this.#post(attempt, 'POST /v3/kv/txn', '/v3/kv/txn', body);
      return writeReply(response);
    }, node);
  }

  #post({ node, timeoutSeconds }: Attempt, name: string, path: string, body: string): RefinedResponse<'text'> {
    const milliseconds = Math.round(timeoutSeconds * 1000);
    return http.post(this.#targets[node] + path, body, {
      // The member gives up then and says so; the client waits a little longer, to hear it.
      headers: { 'Content-Type': 'application/json', 'Grpc-Timeout': `${milliseconds}m` },
      timeout: `${milliseconds + 50}ms`,
      tags: { name },
      responseType: 'text',
    });
  }
}

function replyOf(response: RefinedResponse<'text'>): Reply {
  const { blocked, connecting, duration } = response.timings;
  const seconds = (blocked + connecting + duration) / 1000;
  const { error_code: errorCode, body } = response;
  return { status: statusOf(response.status), errorCode, seconds, definite: isDefinite(response.status, body) };
}

function writeReply(response: RefinedResponse<'text'>): WriteReply {
  const reply = replyOf(response);
  const body = response.body ?? '';
  return {
    ...reply,
    repeated: isRepeated(body),
    ...(reply.status === OK && isWithoutEffect(body) ? { status: NOT_FOUND } : {}),
  };
}

function readReply(id: string, response: RefinedResponse<'text'>): StoreReply {
  const reply = replyOf(response);
  if (reply.status !== OK) return { ...reply, body: null };
  const { kvs } = JSON.parse(response.body ?? '') as { kvs?: readonly { readonly value?: string }[] };
  const [found] = kvs ?? [];
  if (found === undefined) return { ...reply, status: NOT_FOUND, body: null };
  return { ...reply, body: { id, key: id, value: encoding.b64decode(found.value ?? '', 'std', 's') } };
}

/** What was acknowledged is what was sent: the answer to a write does not repeat it. */
function withEntry(result: OperationResult<WriteReply>, id: string, value: string): StoreResult {
  const entry: StoredEntry | null = result.ok ? { id, key: id, value } : null;
  return { ...result, reply: { ...result.reply, body: entry } };
}
