import { expect, test } from '@jest/globals';
import { Prng } from '../kit/prng.ts';
import { EventQueue } from './event-queue.ts';

test('events come by time, those of one time as they were added, and more may be added in between', () => {
  const random = new Prng(1);
  const queue = new EventQueue();
  const waiting: { at: number; number: number }[] = [];
  for (let number = 0; number < 20_000; number++) {
    // Grows to some thousands, then shrinks again.
    const adds = number < 12_000 ? random.integer(0, 3) : random.integer(0, 2);
    for (let i = 0; i < adds; i++) {
      const at = queue.now + random.integer(0, 50);
      queue.add(at, 1, 0, 0, waiting.push({ at, number: waiting.length }) - 1, null);
    }
  }
  const expected = [...waiting].sort((a, b) => a.at - b.at || a.number - b.number).map(({ number }) => number);
  const seen: number[] = [];
  for (let event = queue.pop(); event !== undefined; event = queue.pop()) {
    expect(queue.now).toBe(waiting[event.b]!.at);
    seen.push(event.b);
  }
  expect(seen).toEqual(expected);
});

test('time never goes back', () => {
  const queue = new EventQueue();
  queue.add(10, 1, 0, 0, 0, null);
  queue.add(10, 2, 0, 0, 0, null);
  expect(queue.pop()?.kind).toBe(1);
  queue.add(10, 3, 0, 0, 0, null);
  expect(() => queue.add(9, 1, 0, 0, 0, null)).toThrow('in the past');
  expect([queue.pop()?.kind, queue.pop()?.kind, queue.pop()]).toEqual([2, 3, undefined]);
});
