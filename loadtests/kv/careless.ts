/**
 * What a load script must not be: it writes, reads at another node, and looks at neither answer. The drill of the alerts that say so
 * needs one (`scenarios/kv/drills/careless-load.yaml`).
 */
import { sleep } from 'k6';
import { readLoadInput } from '../lib/environment.ts';
import { LoadMetrics } from '../lib/metrics.ts';
import { Operations } from '../lib/operation.ts';
import { loadOptions } from '../lib/options.ts';
import { Random } from '../lib/random.ts';
import { plannedOperations } from '../profiles.ts';
import { KvClient } from './client.ts';

const input = readLoadInput(__ENV);
export const options = loadOptions(input);

const metrics = new LoadMetrics(plannedOperations(input));
const { targets, deadlineSeconds, attemptTimeoutSeconds } = input;
const random = new Random(input.seed, __VU);
const client = new KvClient(
  targets,
  new Operations({
    ...{ nodes: targets.length, deadlineSeconds, attemptTimeoutSeconds, sleep, random },
    now: () => Date.now() / 1000,
    onAttempt: (node, outcome) => metrics.attempt(node, outcome),
  }),
  null,
);
let written = 0;
let last: string | null = null;

export function setup(): void {
  metrics.initialise(targets.length);
}

export default function operation(): void {
  metrics.iteration(() => {
    if (last === null) write();
    else read(last);
  });
}

function write(): void {
  written += 1;
  const key = `${input.runId}-careless-${__VU}-${written}`;
  const { ok, reply, seconds } = client.create({ key, value: key }, key);
  metrics.operation('write', ok, seconds);
  last = reply.body?.id ?? null;
}

function read(id: string): void {
  const { ok, seconds } = client.get(id);
  metrics.operation('read', ok, seconds);
  last = null;
}
