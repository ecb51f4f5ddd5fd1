import { expect, test } from '@jest/globals';
import { Durability } from './durability.ts';
import type { SnapshotMeta } from './types.ts';

const entriesUpTo = (index: number) => ({ termChanged: false, index, installed: null });

test('one fsync confirms all records before it', () => {
  const durability = new Durability(0);
  durability.issue(entriesUpTo(3));
  durability.issue(entriesUpTo(5));
  const last = durability.issue(entriesUpTo(9));
  durability.persisted(last - 1);
  expect(durability.index).toBe(5);
  durability.persisted(last);
  expect(durability.index).toBe(9);
});

test('what a later record replaces is not durable, although its first version is', () => {
  const durability = new Durability(2);
  durability.issue(entriesUpTo(8));
  durability.truncated(6);
  durability.issue(entriesUpTo(7));
  durability.persisted(1);
  expect(durability.index).toBe(5);
  durability.persisted(2);
  expect(durability.index).toBe(7);
});

test('term and vote are durable only once their record is', () => {
  const durability = new Durability(0);
  expect(durability.hardStateIsDurable).toBe(true);
  const number = durability.issue({ termChanged: true, index: null, installed: null });
  durability.issue(entriesUpTo(1));
  expect(durability.hardStateIsDurable).toBe(false);
  durability.persisted(number);
  expect(durability.hardStateIsDurable).toBe(true);
});

test('a snapshot is in place when its record is durable', () => {
  const durability = new Durability(4);
  const installed = { index: 20 } as SnapshotMeta;
  durability.truncated(4);
  durability.issue({ termChanged: false, index: 20, installed });
  expect([durability.isInstalling, durability.index]).toEqual([true, 3]);
  expect(durability.persisted(1)).toBe(installed);
  expect([durability.isInstalling, durability.index]).toEqual([false, 20]);
});

test('numbers go up, and none is confirmed that was not asked for', () => {
  const durability = new Durability(0);
  durability.issue(entriesUpTo(1));
  durability.persisted(1);
  expect(() => durability.persisted(0)).toThrow('persisted 0 after 1');
  expect(() => durability.persisted(2)).toThrow('only 1 were asked for');
});
