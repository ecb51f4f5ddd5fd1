/**
 * Steady mix on the key-value store: create, update, delete, and linearizable reads of the user's own acknowledged writes from
 * another node than the one that acknowledged them. Open model; one iteration is one operation, and now and then a look besides.
 */
import { sleep } from 'k6';
import exec from 'k6/execution';
import type { Options } from 'k6/options';
import { readLoadInput } from '../lib/environment.ts';
import { LoadMetrics } from '../lib/metrics.ts';
import { thresholds } from '../lib/objectives.ts';
import type { AttemptOutcome } from '../lib/operation.ts';
import { Operations } from '../lib/operation.ts';
import { Random } from '../lib/random.ts';
import { openModel, plannedOperations } from '../profiles.ts';
import type { KvEntry, KvResult } from './client.ts';
import { KvClient } from './client.ts';
import type { AcknowledgedEntry } from './workload.ts';
import { KvWorkload } from './workload.ts';

const input = readLoadInput(__ENV);
const planned = plannedOperations(input);
const metrics = new LoadMetrics(planned);

export const options: Options = {
  scenarios: { [input.profile]: openModel(input) },
  thresholds: thresholds(input, planned),
  tags: { run_id: input.runId, segment: String(input.segment) },
  // `url` would make a series for every entry; `group` and `scenario` would give the zeros of setup() other labels.
  systemTags: ['name', 'method', 'status', 'error_code'],
  summaryTrendStats: ['count', 'avg', 'min', 'med', 'max', 'p(90)', 'p(95)', 'p(99)', 'p(99.9)'],
};

// k6 runs this module once for each virtual user, so what follows is the user's own.
const random = new Random(input.seed, __VU);
const user = `${input.runId}-${input.segment}-${__VU}`;
const workload = new KvWorkload(user, random);
const client = newClient((node, outcome) => metrics.attempt(node, outcome));
/** For looks beside the operations: what they cost is not the system's answer to the load. */
const lookout = newClient(() => {});

function newClient(onAttempt: (node: number, outcome: AttemptOutcome) => void): KvClient {
  const { targets, deadlineSeconds, attemptTimeoutSeconds } = input;
  const now = () => Date.now() / 1000;
  const options = { nodes: targets.length, deadlineSeconds, attemptTimeoutSeconds, now, sleep, random, onAttempt };
  return new KvClient(targets, new Operations(options));
}

/**
 * Of the acknowledged writes, the share that is looked for at once, at another node. A user's next read is seconds away, when every
 * node has long applied the write: only a look within the same millisecond tells a confirmed read from one that was not.
 */
const LOOK_AT_ONCE = 0.1;
/** Of the acknowledged creates, the share that is sent again with its idempotency key, as by a client that never saw the answer. */
const REPEAT = 0.05;

export function setup(): void {
  metrics.initialise(input.targets.length);
}

export default function operation(): void {
  const step = workload.next();
  const idempotencyKey = `${user}-${exec.vu.iterationInInstance}`;
  switch (step.kind) {
    case 'create':
      create({ key: step.key, value: step.value }, idempotencyKey);
      return;
    case 'update':
      written(client.update(step.entry.id, { value: step.value }, idempotencyKey), step.value, step.entry);
      return;
    case 'delete':
      deleted(client.delete(step.entry.id, idempotencyKey), step.entry);
      return;
    case 'read':
      read(client.get(step.entry.id, (step.entry.node + 1) % input.targets.length), step.entry);
  }
}

function create(entry: { key: string; value: string }, idempotencyKey: string): void {
  const first = client.create(entry, idempotencyKey);
  written(first, entry.value);
  if (!first.ok || random.float() >= REPEAT) return;
  const again = lookout.create(entry, idempotencyKey);
  if (!again.ok) return;
  metrics.repeated(again.reply.body?.id === first.reply.body?.id && again.reply.body?.seq === first.reply.body?.seq);
}

/** @param before the entry that was updated; absent for a create */
function written(result: KvResult<KvEntry>, value: string, before?: AcknowledgedEntry): void {
  const entry = result.reply.body;
  const ok = result.ok && entry !== null && entry.value === value;
  metrics.operation('write', ok, result.seconds);
  if (ok) {
    const acknowledged = { id: entry.id, key: entry.key, value, node: result.node };
    workload.acknowledged(acknowledged);
    if (random.float() < LOOK_AT_ONCE) look(acknowledged);
    return;
  }
  if (before === undefined) return;
  // An acknowledged entry cannot be unknown to an update.
  if (result.reply.status === 404) metrics.check(false);
  workload.forget(before);
}

function deleted(result: KvResult<never>, entry: AcknowledgedEntry): void {
  // Gone is what was asked for, when an attempt without an answer may have done it.
  const gone = result.reply.status === 404 && result.uncertain;
  metrics.operation('write', result.ok || gone, result.seconds);
  if (result.reply.status === 404 && !gone) metrics.check(false);
  workload.forget(entry);
}

function look(entry: AcknowledgedEntry): void {
  const result = lookout.get(entry.id, (entry.node + 1) % input.targets.length);
  if (!result.ok && result.reply.status !== 404) return;
  const visible = result.reply.body !== null && result.reply.body.value === entry.value;
  metrics.check(visible);
  if (!visible) workload.forget(entry);
}

function read(result: KvResult<KvEntry>, entry: AcknowledgedEntry): void {
  const found = result.reply.status === 404 ? null : result.reply.body;
  const answered = result.ok || result.reply.status === 404;
  const visible = found !== null && found.value === entry.value && found.key === entry.key;
  metrics.operation('read', answered && visible, result.seconds);
  if (!answered) return;
  metrics.check(visible);
  // A lost write is counted once, not with every later read.
  if (!visible) workload.forget(entry);
}
