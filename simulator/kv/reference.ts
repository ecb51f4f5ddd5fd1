import type { Entry, LogIndex } from '../../services/kv/core/raft/types.ts';
import { type Command, decodeCommand } from '../../services/kv/core/store/command.ts';
import type { ApplyResult, KVEntry, Outcome } from '../../services/kv/core/store/types.ts';
import { violated } from './invariants.ts';

/** What a request of a client is to the reference; `index` is that of its first effect. */
export interface Tracked {
  readonly name: string;
  readonly idempotencyKey: string | undefined;
  /** Everything up to here was answered before the request began. */
  readonly after: LogIndex;
  index: LogIndex;
}

/** An attempt at a request, by the id in its command. */
interface Attempt {
  readonly request: Tracked;
  /** A node has said that this attempt has had no effect and will have none. */
  isRefused: boolean;
  index: LogIndex;
}

/** What applying the command at an index must give. */
interface Expected {
  readonly requestId: string;
  readonly outcome: Outcome;
  readonly value: string | null;
  readonly replayed: boolean;
  readonly attempt: Attempt;
}

interface Version {
  readonly index: LogIndex;
  /** Null: there is no entry. */
  readonly value: string | null;
}

const NEVER: readonly Version[] = [{ index: 0, value: null }];

/**
 * The register model that the cluster must behave like: a second, small implementation, fed with the commands in the order in which they
 * were committed. Since that order is known, checking that a history is linearizable takes constant time an operation: each has a place in
 * the order after everything that was answered before it began.
 */
export class Reference {
  readonly #attempts = new Map<string, Attempt>();
  /** By log index; null where there is no command. */
  readonly #expected: (Expected | null)[] = [null];
  readonly #versions = new Map<string, Version[]>();
  /** What each idempotency key gave. */
  readonly #remembered = new Map<string, Expected>();
  readonly #hashes: (string | undefined)[] = [];
  /** Up to here the order is fixed by answers that clients have. */
  #answeredIndex: LogIndex = 0;
  reads = 0;
  writes = 0;
  replays = 0;

  /** A request begins. */
  track(name: string, idempotencyKey: string | undefined): Tracked {
    return { name, idempotencyKey, after: this.#answeredIndex, index: 0 };
  }

  /** A node has given a write its id. */
  attempted(requestId: string, request: Tracked): void {
    this.#attempts.set(requestId, { request, isRefused: false, index: 0 });
  }

  /** A node says that an attempt certainly had no effect. */
  refused(requestId: string): void {
    const attempt = this.#attempts.get(requestId)!;
    if (attempt.index > 0)
      violated('exactly-once', `${attempt.request.name}: refused for certain, but committed at ${attempt.index}`);
    attempt.isRefused = true;
  }

  committed(entry: Entry): void {
    this.#expected.push(entry.kind === 'command' ? this.#apply(entry.index, decodeCommand(entry.data)) : null);
  }

  #apply(index: LogIndex, command: Command): Expected {
    const { requestId, idempotencyKey } = command;
    const attempt = this.#attempts.get(requestId);
    if (attempt === undefined) violated('state-machine-safety', `entry ${index} holds a command that nobody made`);
    const { name } = attempt.request;
    if (attempt.isRefused) violated('exactly-once', `${name}: committed at ${index}, but was refused for certain`);
    const known = idempotencyKey === undefined ? undefined : this.#remembered.get(idempotencyKey);
    if (known !== undefined) return { ...known, requestId, replayed: true, attempt };
    if (attempt.index > 0)
      violated(
        'exactly-once',
        `${name}: committed at ${attempt.index} and again at ${index}, without an idempotency key`,
      );
    attempt.index = index;
    attempt.request.index = index;
    const expected = { requestId, ...this.#change(index, command), replayed: false, attempt };
    if (idempotencyKey !== undefined) this.#remembered.set(idempotencyKey, expected);
    return expected;
  }

  #change(index: LogIndex, command: Command): { readonly outcome: Outcome; readonly value: string | null } {
    const versions = this.#versions.get(command.id) ?? [...NEVER];
    this.#versions.set(command.id, versions);
    const old = versions.at(-1)!.value;
    if (command.type === 'create') {
      if (old !== null) return { outcome: 'created', value: old };
      versions.push({ index, value: command.value });
      return { outcome: 'created', value: command.value };
    }
    if (old === null) return { outcome: 'notFound', value: null };
    const value = command.type === 'delete' ? null : command.value!;
    versions.push({ index, value });
    return command.type === 'delete' ? { outcome: 'deleted', value: old } : { outcome: 'updated', value: value };
  }

  /** A node has applied a command. */
  applied(node: number, index: LogIndex, result: ApplyResult): void {
    const expected = this.#expected[index]!;
    const { outcome, replayed, requestId, entry } = result;
    if (replayed !== expected.replayed && requestId === expected.requestId)
      violated(
        'exactly-once',
        `node ${node} ${replayed ? 'does not apply' : 'applies again'} ${expected.attempt.request.name} at ${index}`,
      );
    if (requestId !== expected.requestId || outcome !== expected.outcome || (entry?.value ?? null) !== expected.value)
      violated(
        'state-machine-safety',
        `node ${node} has ${outcome} ${entry?.value} at ${index}, expected ${expected.outcome} ${expected.value}`,
      );
  }

  /** The hash of a node's state after `index`. */
  hash(node: number, index: LogIndex, hash: string): void {
    const known = this.#hashes[index];
    if (known === undefined) this.#hashes[index] = hash;
    else if (known !== hash)
      violated('state-machine-safety', `node ${node} has state ${hash} after ${index}, others have ${known}`);
  }

  /** A client has the answer to a write. */
  writeAnswered(request: Tracked, result: ApplyResult): void {
    const { name, index, after } = request;
    this.writes += 1;
    if (index === 0) violated('durability', `${name} is acknowledged, but was never committed`);
    const expected = this.#expected[index]!;
    if (result.replayed) this.replays += 1;
    if (result.outcome !== expected.outcome || (result.entry?.value ?? null) !== expected.value)
      violated(
        'linearizability',
        `${name} is answered with ${result.outcome} ${result.entry?.value}, not with what it did`,
      );
    if (index <= after)
      violated('linearizability', `${name} took effect at ${index}, but ${after} was answered before it began`);
    this.#answeredIndex = Math.max(this.#answeredIndex, index);
  }

  /**
   * A client has the answer to a read: what it says must have been so at some time since the read began. The earliest place that fits is
   * taken, which leaves the most room for reads that are still to be answered.
   */
  readAnswered(request: Tracked, id: string, entry: KVEntry | undefined): void {
    this.reads += 1;
    const versions = this.#versions.get(id) ?? NEVER;
    const value = entry?.value ?? null;
    const { after, name } = request;
    let found = -1;
    for (let i = versions.length - 1; i >= 0; i--) {
      const version = versions[i]!;
      if (version.value === value) found = Math.max(version.index, after);
      if (version.index <= after) break;
    }
    if (found < 0)
      violated(
        'linearizability',
        `${name} reads ${value}; since it began, when ${after} had been answered, the value was ${this.#since(versions, after)}`,
      );
    this.#answeredIndex = Math.max(this.#answeredIndex, found);
  }

  #since(versions: readonly Version[], after: LogIndex): string {
    const from = versions.findLastIndex((version) => version.index <= after);
    return versions
      .slice(Math.max(0, from))
      .map(({ index, value }) => `${value} from ${index} on`)
      .join(', ');
  }

  /** What every node must hold in the end. */
  *finalState(): Iterable<readonly [string, string | null]> {
    for (const [id, versions] of this.#versions) yield [id, versions.at(-1)!.value];
  }
}
