/**
 * One virtual user of a store of entries, whichever store that is: does operations, counts them, and looks whether what was
 * acknowledged to it is there. The scripts decide which operation comes next, a `StoreClient` how it is asked for.
 */
import { sleep } from 'k6';
import exec from 'k6/execution';
import { plannedOperations } from '../profiles.ts';
import type { LoadInput } from './environment.ts';
import { History } from './history.ts';
import { LoadMetrics } from './metrics.ts';
import type { AttemptOutcome, OperationResult, Reply } from './operation.ts';
import { Operations } from './operation.ts';
import { Pace } from './pace.ts';
import { Random } from './random.ts';
import type { AcknowledgedEntry, Mix, Step } from './workload.ts';
import { Workload } from './workload.ts';

/** An entry as the store has it. */
export interface StoredEntry {
  readonly id: string;
  readonly key: string;
  readonly value: string;
}

export interface StoreReply extends Reply {
  /** Null unless the status is 2xx and the answer holds an entry. */
  readonly body: StoredEntry | null;
}

export type StoreResult = OperationResult<StoreReply>;

/**
 * The store as a user needs it. Each call is one operation: all its attempts until the deadline, and its line in the history.
 * An entry that is not there is the status 404. Reads are linearizable.
 *
 * An idempotency key is `<client>-<number>`. Numbers of one client grow from write to write, so that a store that has no such
 * keys can be asked, by a condition of the write, to do nothing once it has seen this number or a later one.
 */
export interface StoreClient {
  /** Whether a write that is sent again is executed once; yes when absent. Where it is not, an entry is written no more after a retry. */
  readonly idempotent?: boolean;
  /** @param node index of the node to ask first; any when absent, here and below */
  create(entry: { key: string; value: string }, idempotencyKey: string, node?: number): StoreResult;
  update(id: string, change: { value: string }, idempotencyKey: string, node?: number): StoreResult;
  delete(id: string, idempotencyKey: string, node?: number): OperationResult<Reply>;
  get(id: string, node?: number): StoreResult;
  /** A create that was answered with `first`, sent again with its key; null when this was not answered. */
  repeat(entry: { key: string; value: string }, idempotencyKey: string, first: StoredEntry): { once: boolean } | null;
}

/** k6's: goes to the file of `--console-output`. */
declare const console: { log(line: string): void };

/**
 * Of the acknowledged writes, the share that is looked for at once, at another node. A user's next read is seconds away, when every
 * node has long applied the write: only a look within the same millisecond tells a confirmed read from one that was not.
 */
const LOOK_AT_ONCE = 0.1;
/** Of the acknowledged creates, the share that is sent again with its idempotency key, as by a client that never saw the answer. */
const REPEAT = 0.05;

type OnAttempt = (node: number, outcome: AttemptOutcome) => void;

export class StoreUser {
  readonly #input: LoadInput;
  readonly #name: string;
  readonly #metrics: LoadMetrics;
  readonly #history: History | null;
  readonly #client: StoreClient;
  /** For looks beside the operations: what they cost is not the system's answer to the load. */
  readonly #lookout: StoreClient;
  readonly #pace: Pace | null;
  #k6: typeof exec.instance | undefined;
  #writes = 0;
  readonly random: Random;
  readonly workload: Workload;

  /**
   * @param number k6's of the virtual user; 0 in setup()
   * @param connect makes a client that runs its operations by the one and records them in the other; null to record nothing
   */
  constructor(
    input: LoadInput,
    number: number,
    connect: (operations: Operations, history: History | null) => StoreClient,
    mix?: Mix,
  ) {
    this.#input = input;
    this.#name = `${input.runId}-${input.segment}-${number}`;
    this.random = new Random(input.seed, number);
    this.workload = new Workload(this.#name, this.random, mix);
    this.#metrics = new LoadMetrics(plannedOperations(input));
    const monotonic = () => (number === 0 ? null : this.#instance().currentTestRunDuration);
    const clocks = { wall: () => Date.now(), monotonic };
    const write = (line: string) => {
      console.log(line);
      this.#metrics.recorded();
    };
    this.#history = input.history ? new History({ process: number, clocks, write }) : null;
    const client = (onAttempt: OnAttempt) => connect(this.#newOperations(onAttempt), this.#history);
    this.#client = client((node, outcome) => this.#metrics.attempt(node, outcome));
    this.#lookout = client(() => {});
    this.#pace = this.#newPace();
  }

  /** k6 makes a new object of many getters whenever `exec.instance` is read, which takes tens of microseconds; setup() has none. */
  #instance(): typeof exec.instance {
    this.#k6 ??= exec.instance;
    return this.#k6;
  }

  #newOperations(onAttempt: OnAttempt): Operations {
    const { targets, deadlineSeconds, attemptTimeoutSeconds } = this.#input;
    const now = () => Date.now() / 1000;
    const times = { deadlineSeconds, attemptTimeoutSeconds, now, sleep };
    return new Operations({ ...times, nodes: targets.length, random: this.random, onAttempt });
  }

  /** Null when every operation is due at once, or when the executor says when. */
  #newPace(): Pace | null {
    const { closed, durationSeconds } = this.#input;
    if (closed === undefined || (closed.burst === undefined && durationSeconds === 0)) return null;
    const completed = () => this.#instance().iterationsCompleted;
    return new Pace({ closed, durationSeconds, now: () => Date.now() / 1000, sleep, completed });
  }

  /** In setup(): the first line of the history, and every series at 0. */
  begin(): void {
    this.#history?.begin(this.#input.runId, this.#input.segment);
    this.#metrics.initialise(this.#input.targets.length);
  }

  /** Runs one iteration when it is due. The executor of an open model sees to that itself. */
  iterate(run: () => void): void {
    if (this.#pace !== null) {
      const { iterationInTest, startTime } = exec.scenario;
      this.#pace.wait(iterationInTest, startTime / 1000);
    }
    this.#metrics.iteration(run);
  }

  /** In setup(): entries that all users share, so that several of them contend for each. Throws when one cannot be made. */
  createShared(count: number): string[] {
    return Array.from({ length: count }, (_, index) => {
      const name = `${this.#name}-shared-${index}`;
      const { reply } = this.#lookout.create({ key: name, value: `${name}#0` }, name);
      if (reply.body === null) throw new Error(`the shared entry ${name} could not be created: status ${reply.status}`);
      return reply.body.id;
    });
  }

  /** Does what the workload says. @param node index of the node to ask first; for a read any but the one that acknowledged */
  perform(step: Step, node?: number): void {
    switch (step.kind) {
      case 'create':
        this.create({ key: step.key, value: step.value }, node);
        return;
      case 'update':
        this.#written(
          this.#client.update(step.entry.id, { value: step.value }, this.#nextKey(), node),
          step.value,
          step.entry,
        );
        return;
      case 'delete':
        this.#deleted(this.#client.delete(step.entry.id, this.#nextKey(), node), step.entry);
        return;
      case 'read':
        this.#read(this.#client.get(step.entry.id, node ?? this.#otherNode(step.entry)), step.entry);
    }
  }

  create(entry: { key: string; value: string }, node?: number): void {
    const idempotencyKey = this.#nextKey();
    const first = this.#client.create(entry, idempotencyKey, node);
    this.#written(first, entry.value);
    if (!first.ok || first.reply.body === null || this.random.float() >= REPEAT) return;
    const again = this.#lookout.repeat(entry, idempotencyKey, first.reply.body);
    if (again !== null) this.#metrics.repeated(again.once);
  }

  /** Which value it shows, others write, too: whether it was the right one only the history tells. That there is none, this user. */
  readShared(id: string, node: number): void {
    const { ok, reply, seconds } = this.#client.get(id, node);
    const found = ok && reply.body !== null;
    this.#metrics.operation('read', found, seconds);
    if (found || reply.status === 404) this.#metrics.check(found);
  }

  updateShared(id: string, value: string, node: number): void {
    const { ok, reply, seconds } = this.#client.update(id, { value }, this.#nextKey(), node);
    this.#metrics.operation('write', ok && reply.body?.value === value, seconds);
    if (reply.status === 404) this.#metrics.check(false);
  }

  /** @param before the entry that was updated; absent for a create */
  #written(result: StoreResult, value: string, before?: AcknowledgedEntry): void {
    const entry = result.reply.body;
    const ok = result.ok && entry !== null && entry.value === value;
    this.#metrics.operation('write', ok, result.seconds);
    if (ok) {
      const acknowledged = { id: entry.id, key: entry.key, value, node: result.node };
      // Otherwise the attempt without an answer may overwrite what is written next.
      if (result.attempts === 1 || this.#client.idempotent !== false) this.workload.acknowledged(acknowledged);
      else this.workload.forget(acknowledged);
      if (this.random.float() < LOOK_AT_ONCE) this.#look(acknowledged);
      return;
    }
    if (before === undefined) return;
    // An acknowledged entry cannot be unknown to an update.
    if (result.reply.status === 404) this.#metrics.check(false);
    this.workload.forget(before);
  }

  #deleted(result: OperationResult<Reply>, entry: AcknowledgedEntry): void {
    // Gone is what was asked for, when an attempt without an answer may have done it.
    const gone = result.reply.status === 404 && result.uncertain;
    this.#metrics.operation('write', result.ok || gone, result.seconds);
    if (result.reply.status === 404 && !gone) this.#metrics.check(false);
    this.workload.forget(entry);
  }

  #look(entry: AcknowledgedEntry): void {
    const result = this.#lookout.get(entry.id, this.#otherNode(entry));
    if (!result.ok && result.reply.status !== 404) return;
    const visible = result.reply.body !== null && result.reply.body.value === entry.value;
    this.#metrics.check(visible);
    if (!visible) this.workload.forget(entry);
  }

  #read(result: StoreResult, entry: AcknowledgedEntry): void {
    const found = result.reply.status === 404 ? null : result.reply.body;
    const answered = result.ok || result.reply.status === 404;
    const visible = found !== null && found.value === entry.value && found.key === entry.key;
    this.#metrics.operation('read', answered && visible, result.seconds);
    if (!answered) return;
    this.#metrics.check(visible);
    // A lost write is counted once, not with every later read.
    if (!visible) this.workload.forget(entry);
  }

  #otherNode(entry: AcknowledgedEntry): number {
    return (entry.node + 1) % this.#input.targets.length;
  }

  #nextKey(): string {
    this.#writes += 1;
    return `${this.#name}-${this.#writes}`;
  }
}
