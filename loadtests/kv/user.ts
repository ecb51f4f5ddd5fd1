/**
 * One virtual user of the key-value store: does operations, counts them, and looks whether what was acknowledged to it is there.
 * The scripts decide which operation comes next.
 */
import { sleep } from 'k6';
import exec from 'k6/execution';
import type { LoadInput } from '../lib/environment.ts';
import { History } from '../lib/history.ts';
import { LoadMetrics } from '../lib/metrics.ts';
import type { AttemptOutcome } from '../lib/operation.ts';
import { Operations } from '../lib/operation.ts';
import { Pace } from '../lib/pace.ts';
import { Random } from '../lib/random.ts';
import { plannedOperations } from '../profiles.ts';
import type { KvEntry, KvResult } from './client.ts';
import { KvClient } from './client.ts';
import type { AcknowledgedEntry, KvMix, Step } from './workload.ts';
import { KvWorkload } from './workload.ts';

/** k6's: goes to the file of `--console-output`. */
declare const console: { log(line: string): void };

/**
 * Of the acknowledged writes, the share that is looked for at once, at another node. A user's next read is seconds away, when every
 * node has long applied the write: only a look within the same millisecond tells a confirmed read from one that was not.
 */
const LOOK_AT_ONCE = 0.1;
/** Of the acknowledged creates, the share that is sent again with its idempotency key, as by a client that never saw the answer. */
const REPEAT = 0.05;

export class KvUser {
  readonly #input: LoadInput;
  readonly #name: string;
  readonly #metrics: LoadMetrics;
  readonly #history: History | null;
  readonly #client: KvClient;
  /** For looks beside the operations: what they cost is not the system's answer to the load. */
  readonly #lookout: KvClient;
  readonly #pace: Pace | null;
  #k6: typeof exec.instance | undefined;
  #writes = 0;
  readonly random: Random;
  readonly workload: KvWorkload;

  /** @param number k6's of the virtual user; 0 in setup() */
  constructor(input: LoadInput, number: number, mix?: KvMix) {
    this.#input = input;
    this.#name = `${input.runId}-${input.segment}-${number}`;
    this.random = new Random(input.seed, number);
    this.workload = new KvWorkload(this.#name, this.random, mix);
    this.#metrics = new LoadMetrics(plannedOperations(input));
    const monotonic = () => (number === 0 ? null : this.#instance().currentTestRunDuration);
    const clocks = { wall: () => Date.now(), monotonic };
    const write = (line: string) => {
      console.log(line);
      this.#metrics.recorded();
    };
    this.#history = input.history ? new History({ process: number, clocks, write }) : null;
    this.#client = this.#newClient((node, outcome) => this.#metrics.attempt(node, outcome));
    this.#lookout = this.#newClient(() => {});
    this.#pace = this.#newPace();
  }

  /** k6 makes a new object of many getters whenever `exec.instance` is read, which takes tens of microseconds; setup() has none. */
  #instance(): typeof exec.instance {
    this.#k6 ??= exec.instance;
    return this.#k6;
  }

  #newClient(onAttempt: (node: number, outcome: AttemptOutcome) => void): KvClient {
    const { targets, deadlineSeconds, attemptTimeoutSeconds } = this.#input;
    const now = () => Date.now() / 1000;
    const times = { deadlineSeconds, attemptTimeoutSeconds, now, sleep };
    const operations = new Operations({ ...times, nodes: targets.length, random: this.random, onAttempt });
    return new KvClient(targets, operations, this.#history);
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
    if (!again.ok) return;
    this.#metrics.repeated(
      again.reply.body?.id === first.reply.body.id && again.reply.body.seq === first.reply.body.seq,
    );
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
  #written(result: KvResult<KvEntry>, value: string, before?: AcknowledgedEntry): void {
    const entry = result.reply.body;
    const ok = result.ok && entry !== null && entry.value === value;
    this.#metrics.operation('write', ok, result.seconds);
    if (ok) {
      const acknowledged = { id: entry.id, key: entry.key, value, node: result.node };
      this.workload.acknowledged(acknowledged);
      if (this.random.float() < LOOK_AT_ONCE) this.#look(acknowledged);
      return;
    }
    if (before === undefined) return;
    // An acknowledged entry cannot be unknown to an update.
    if (result.reply.status === 404) this.#metrics.check(false);
    this.workload.forget(before);
  }

  #deleted(result: KvResult<never>, entry: AcknowledgedEntry): void {
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

  #read(result: KvResult<KvEntry>, entry: AcknowledgedEntry): void {
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
