import { beforeEach, expect, test } from '@jest/globals';
import type { ServiceError } from '../../../kit/errors.ts';
import { Reads } from './reads.ts';

let now: number;
let leader: boolean;
let asked: string[];
let applied: number;
let reads: Reads;

beforeEach(() => {
  now = 1000;
  leader = true;
  asked = [];
  applied = 5;
  const asker = { read: (id: string) => asked.push(id), leaderKnown: () => leader, appliedIndex: () => applied };
  reads = new Reads(
    asker,
    () => {},
    '0.1',
    () => now,
  );
});

function read() {
  const outcome: { done?: boolean; error?: ServiceError } = {};
  reads.confirm(6000).then(
    () => {
      outcome.done = true;
    },
    (error: ServiceError) => {
      outcome.error = error;
    },
  );
  return outcome;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('reads of one turn share a round; later ones need another', async () => {
  const [a, b] = [read(), read()];
  reads.turned();
  const c = read();
  expect(asked).toEqual(['0.1-r1', '0.1-r2']);
  reads.readConfirmed('0.1-r1', 5);
  await settled();
  expect([a.done, b.done, c.done]).toEqual([true, true, undefined]);
});

test('a confirmed read waits until its index is applied', async () => {
  const a = read();
  reads.turned();
  reads.readConfirmed('0.1-r1', 8);
  reads.applied(7);
  await settled();
  expect(a.done).toBeUndefined();
  reads.applied(8);
  await settled();
  expect(a.done).toBe(true);
});

test('a refused or lost round is asked for again while the deadline lasts', async () => {
  const a = read();
  reads.turned();
  reads.refused('0.1-r1');
  reads.tick();
  reads.turned();
  now += 600;
  reads.tick();
  reads.tick();
  expect(asked).toEqual(['0.1-r1', '0.1-r2', '0.1-r3']);
  reads.readConfirmed('0.1-r2', 5);
  await settled();
  expect(a.done).toBeUndefined();
  reads.readConfirmed('0.1-r3', 5);
  await settled();
  expect(a.done).toBe(true);
});

test('without a leader it ends at the deadline', async () => {
  leader = false;
  const a = read();
  reads.turned();
  reads.refused('0.1-r1');
  now = 6050;
  reads.tick();
  await settled();
  expect(a.error).toMatchObject({ code: 'NO_QUORUM', status: 503, definite: true });
});
