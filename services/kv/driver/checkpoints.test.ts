import { beforeEach, expect, test } from '@jest/globals';
import { hashToHex } from '../../../kit/hash.ts';
import { Checkpoints } from './checkpoints.ts';

let compared: number;
let diverged: number[];
let checkpoints: Checkpoints;

const value = (index: number) => ({ hi: 0xabcd_0000, lo: index });
const hash = (index: number) => hashToHex(value(index));

beforeEach(() => {
  compared = 0;
  diverged = [];
  checkpoints = new Checkpoints({ compared: () => compared++, diverged: (_, { index }) => diverged.push(index) });
});

function apply(from: number, to: number): void {
  for (let index = from; index <= to; index++) checkpoints.applied(index, value(index));
}

test('a peer is compared at whatever index it names, now or when that is reached', () => {
  apply(1, 10);
  checkpoints.received(1, { index: 7, hash: hash(7) });
  checkpoints.received(1, { index: 12, hash: hash(12) });
  expect(compared).toBe(1);
  apply(11, 12);
  expect([compared, diverged]).toEqual([2, []]);
});

test('a difference is told', () => {
  apply(1, 10);
  checkpoints.received(1, { index: 7, hash: hash(8) });
  checkpoints.received(1, { index: 11, hash: hash(8) });
  apply(11, 11);
  expect(diverged).toEqual([7, 11]);
});

test('what is too far back, or before a snapshot, is not compared', () => {
  apply(1, 9000);
  checkpoints.received(1, { index: 100, hash: 'x' });
  checkpoints.restored(20_000, value(20_000));
  checkpoints.received(1, { index: 15_000, hash: 'x' });
  checkpoints.received(1, { index: 8_900, hash: 'x' });
  expect([compared, diverged]).toEqual([0, []]);
  checkpoints.received(1, { index: 20_000, hash: hash(20_000) });
  expect(compared).toBe(1);
});

test('common checkpoints are at multiples of 256; each is offered to each peer once', () => {
  apply(1, 300);
  expect(checkpoints.latest).toEqual({ index: 256, hash: hash(256) });
  expect(checkpoints.forPeer(1)).toEqual({ index: 256, hash: hash(256) });
  expect(checkpoints.forPeer(1)).toBeNull();
  expect(checkpoints.offerNow()).toBe(true);
  expect(checkpoints.offerNow()).toBe(false);
  expect(checkpoints.forPeer(1)).toEqual({ index: 300, hash: hash(300) });
  expect(checkpoints.forPeer(2)).toEqual({ index: 300, hash: hash(300) });
});
