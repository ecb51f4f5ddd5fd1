import { expect, test } from '@jest/globals';
import { DurabilityAudit } from './durability-audit.ts';

function audit(own: { index: number }, votersOutgoing: number[] = []) {
  return new DurabilityAudit(
    0,
    () => own.index,
    () => ({ voters: [0, 1, 2], votersOutgoing, learners: [3], retired: [], addresses: {} }),
  );
}

test('durable is what this node and a majority of disks have reported', () => {
  const own = { index: 10 };
  const it = audit(own);
  expect(it.isDurable(1)).toBe(false);
  it.report(3, 10, 0);
  expect(it.isDurable(1)).toBe(false);
  it.report(1, 7, 0);
  expect([it.isDurable(7), it.isDurable(8)]).toEqual([true, false]);
  it.report(2, 12, 0);
  expect([it.isDurable(10), it.isDurable(11)]).toEqual([true, false]);
});

test('a follower believes the majority that the leader has counted, but not about its own disk', () => {
  const own = { index: 4 };
  const it = audit(own);
  it.report(1, 9, 9);
  expect([it.isDurable(4), it.isDurable(5)]).toEqual([true, false]);
  own.index = 9;
  expect([it.isDurable(9), it.isDurable(10)]).toEqual([true, false]);
});

test('a joint configuration needs both majorities', () => {
  const it = audit({ index: 10 }, [0, 4, 5]);
  it.report(1, 10, 0);
  expect(it.isDurable(10)).toBe(false);
  it.report(4, 8, 0);
  expect([it.isDurable(8), it.isDurable(9)]).toEqual([true, false]);
});
