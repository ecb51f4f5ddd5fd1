import { describe, expect, test } from '@jest/globals';
import { ClockWatch } from './clock_watch.ts';

function watched() {
  const time = { monotonic: 0, wall: 1_000_000, lookMs: 0 };
  const pass = (milliseconds: number, wallMs = milliseconds) => {
    time.monotonic += milliseconds;
    time.wall += wallMs;
  };
  const watch = new ClockWatch({
    wall: () => Math.floor(time.wall),
    monotonic: () => {
      time.monotonic += time.lookMs;
      return time.monotonic;
    },
  });
  watch.look();
  return { watch, time, pass };
}

describe('ClockWatch', () => {
  test('an even clock has no step, whatever the fractions of a millisecond', () => {
    const { watch, pass } = watched();
    for (let look = 0; look < 100; look += 1) {
      pass(499.7);
      watch.look();
    }
    expect(watch.stop()).toEqual([]);
  });

  test.each([
    [8, 'by +7 ms'],
    [-8, 'by -7 ms'],
    [-3_600_000, 'by -3599999 ms'],
  ])('a step of %d ms is one', (step, words) => {
    const { watch, pass } = watched();
    pass(500, 500 + step);
    expect(watch.stop()).toEqual([expect.stringContaining(words)]);
  });

  test('slewing at 500 ppm over a minute is none', () => {
    const { watch, pass } = watched();
    pass(60_000, 60_030);
    expect(watch.stop()).toEqual([]);
  });

  test('a look that was interrupted says nothing, and hides nothing', () => {
    const { watch, time, pass } = watched();
    time.lookMs = 20;
    pass(500);
    watch.look();
    time.lookMs = 0;
    pass(500, 600);
    expect(watch.stop()).toHaveLength(1);
  });
});
