import { describe, expect, test } from '@jest/globals';
import type { ClosedLoad } from './environment.ts';
import { Pace } from './pace.ts';

/** One user that does all operations, one after the other, each in `seconds`; returns when they began. */
function begins(closed: ClosedLoad, durationSeconds: number, seconds: number): number[] {
  let time = 100;
  let completed = 0;
  const sleep = (wait: number) => {
    time += wait;
  };
  const pace = new Pace({ closed, durationSeconds, now: () => time, sleep, completed: () => completed });
  return Array.from({ length: closed.count }, (_, iteration) => {
    pace.wait(iteration, 100);
    const begin = time - 100;
    time += seconds;
    completed += 1;
    return Number(begin.toFixed(3));
  });
}

describe('Pace', () => {
  test('without a duration the next operation begins at once', () => {
    expect(begins({ count: 3, concurrency: 1 }, 0, 0.5)).toEqual([0, 0.5, 1]);
  });

  test('spreads the operations over the duration', () => {
    expect(begins({ count: 5, concurrency: 1 }, 10, 0.5)).toEqual([0, 2, 4, 6, 8]);
  });

  test('who is late begins at once, and is on time again when it can', () => {
    expect(begins({ count: 4, concurrency: 1 }, 8, 3)).toEqual([0, 3, 6, 9]);
  });

  test('a burst begins a pause after the last operation of the one before', () => {
    const burst = { size: 2, pauseSeconds: 1 };
    expect(begins({ count: 6, concurrency: 1, burst }, 0, 0.1)).toEqual([0, 0.1, 1.2, 1.3, 2.4, 2.5]);
  });

  test('a burst waits for operations that others have not ended', () => {
    let time = 0;
    const sleep = (wait: number) => {
      time += wait;
    };
    const burst = { size: 2, pauseSeconds: 1 };
    const completed = () => (time < 0.7 ? 1 : 2);
    const pace = new Pace({
      closed: { count: 4, concurrency: 2, burst },
      durationSeconds: 0,
      now: () => time,
      sleep,
      completed,
    });
    pace.wait(3, 0);
    expect(time).toBeCloseTo(1.7, 1);
  });

  test('bursts can be spread over a duration, too', () => {
    const burst = { size: 2, pauseSeconds: 0 };
    expect(begins({ count: 6, concurrency: 2, burst }, 9, 0.1)).toEqual([0, 0.1, 3, 3.1, 6, 6.1]);
  });
});
