/**
 * The user of any system that keeps a value under a name, of which no more has to be said than how one request is sent: a
 * `RegisterClient`. Operations, retries, metrics and the history are those of every user (user.ts).
 *
 * Such a system need not know idempotency keys: only its own user writes a register, and one whose write took more than one attempt is
 * not written again. An attempt that is executed late then changes nothing.
 */
import type { LoadInput } from './environment.ts';
import type { History } from './history.ts';
import { readObservation, writeObservation } from './history.ts';
import type { OperationResult, Operations, Reply } from './operation.ts';
import type { StoreClient, StoredEntry, StoreReply, StoreResult } from './user.ts';
import { StoreUser } from './user.ts';

/** One request to one node. */
export interface RegisterRequest {
  /** Base URL of the node, such as `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly key: string;
  /** When to give up, as k6 takes it: `2000ms`. */
  readonly timeout: string;
}

/** What an operation's requests are answered with: 2xx it is done, 404 there is no such register, 5xx another node may do it. */
export interface RegisterClient {
  write(request: RegisterRequest & { readonly value: string }): Reply;
  /** Has to show every write that was acknowledged before it began. `value` is null when the answer holds none. */
  read(request: RegisterRequest): Reply & { readonly value: string | null };
}

export class RegisterUser extends StoreUser {
  /** @param number k6's of the virtual user; 0 in setup() */
  constructor(input: LoadInput, number: number, client: RegisterClient) {
    const { targets, readShare } = input;
    const connect = (operations: Operations, history: History | null) =>
      new RegisterStore(targets, client, operations, history);
    // What is no read and no update creates; nothing is deleted.
    super(input, number, connect, { read: readShare, update: (1 - readShare) / 2, create: 1 });
  }

  /** One operation, when it is due: a write, or a read of what was acknowledged to this user, at another node. */
  operate(): void {
    this.iterate(() => this.perform(this.workload.next()));
  }
}

class RegisterStore implements StoreClient {
  readonly idempotent = false;
  readonly #targets: readonly string[];
  readonly #client: RegisterClient;
  readonly #operations: Operations;
  readonly #history: History | null;

  constructor(targets: readonly string[], client: RegisterClient, operations: Operations, history: History | null) {
    this.#targets = targets;
    this.#client = client;
    this.#operations = operations;
    this.#history = history;
  }

  create({ key, value }: { key: string; value: string }, _: string, node?: number): StoreResult {
    return this.#write('create', { id: key, key, value }, node);
  }

  update(id: string, { value }: { value: string }, _: string, node?: number): StoreResult {
    return this.#write('update', { id, key: id, value }, node);
  }

  get(id: string, node?: number): StoreResult {
    const perform = () =>
      this.#operations.run<StoreReply>((attempt) => {
        const { value, ...reply } = this.#client.read(this.#request(id, attempt));
        return { ...reply, body: value === null ? null : { id, key: id, value } };
      }, node);
    return this.#recorded(perform, (result) => readObservation(id, result.reply.body?.value ?? null, result));
  }

  delete(): OperationResult<Reply> {
    throw new Error('no register is ever deleted: its mix has no deletes');
  }

  /** A write that is sent again is another one here. */
  repeat(): null {
    return null;
  }

  #write(operation: 'create' | 'update', entry: StoredEntry, node?: number): StoreResult {
    const { key, value } = entry;
    const perform = () =>
      this.#operations.run<StoreReply>((attempt) => {
        const reply = this.#client.write({ ...this.#request(key, attempt), value });
        return { ...reply, body: reply.status >= 200 && reply.status < 300 ? entry : null };
      }, node);
    return this.#recorded(perform, (result) => writeObservation(operation, key, value, result));
  }

  #request(key: string, { node, timeoutSeconds }: { node: number; timeoutSeconds: number }): RegisterRequest {
    return { url: this.#targets[node] ?? '', key, timeout: `${Math.round(timeoutSeconds * 1000)}ms` };
  }

  #recorded(
    perform: () => StoreResult,
    observe: (result: StoreResult) => ReturnType<typeof readObservation>,
  ): StoreResult {
    return this.#history === null ? perform() : this.#history.run(perform, observe);
  }
}
