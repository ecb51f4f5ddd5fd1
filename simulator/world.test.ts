import { describe, expect, test } from '@jest/globals';
import { Prng } from '../kit/prng.ts';
import { NodeClock } from './clock.ts';
import { NodeDisk } from './disk.ts';
import { Sampler } from './distribution.ts';
import { Network } from './network.ts';
import type { Distribution, NetworkWeather } from './types.ts';

const still: NetworkWeather = {
  latency: { kind: 'constant', us: 100 },
  loss: 0,
  duplication: 0,
  reordering: 0,
  heldBack: { kind: 'constant', us: 5000 },
  ordered: false,
  bytesPerSecond: null,
};

describe('distributions', () => {
  const mean = (distribution: Distribution) => {
    const random = new Prng(1);
    const sampler = new Sampler(distribution);
    let sum = 0;
    for (let i = 0; i < 20_000; i++) sum += sampler.sample(random);
    return sum / 20_000;
  };

  test.each<[Distribution, number, number]>([
    [{ kind: 'constant', us: 7 }, 7, 7],
    [{ kind: 'uniform', minUs: 100, maxUs: 300 }, 197, 203],
    [{ kind: 'exponential', minUs: 1000, meanUs: 3000, maxUs: 20_000 }, 2900, 3150],
    // The mean of a lognormal distribution is its median times exp(sigma² / 2).
    [{ kind: 'lognormal', medianUs: 1000, sigma: 0.5, maxUs: 6000 }, 1110, 1160],
  ])('%j has its mean', (distribution, min, max) => {
    expect(mean(distribution)).toBeGreaterThanOrEqual(min);
    expect(mean(distribution)).toBeLessThanOrEqual(max);
  });

  test('the tail is reached, and nothing is beyond it', () => {
    const random = new Prng(1);
    const sampler = new Sampler({ kind: 'lognormal', medianUs: 1000, sigma: 2, maxUs: 50_000 });
    const samples = Array.from({ length: 5000 }, () => sampler.sample(random));
    expect(Math.max(...samples)).toBe(50_000);
  });
});

describe('the network', () => {
  const network = (weather: Partial<NetworkWeather>) => new Network({ ...still, ...weather }, new Prng(1));
  const arrivals = (of: Network, count: number) => Array.from({ length: count }, (_, i) => of.arrival(1, 2, i, 100));

  test('loses as many as it should, on each link by its own chances', () => {
    const lossy = network({ loss: 0.2 });
    const lost = arrivals(lossy, 5000).filter((at) => at < 0).length;
    expect(lost).toBeGreaterThan(900);
    expect(lost).toBeLessThan(1100);
    expect(lossy.lost).toBe(lost);
  });

  test('a cut holds for one direction, and as long as one of those who cut', () => {
    const cut = network({});
    cut.cut(1, 2);
    cut.cut(1, 2);
    cut.mend(1, 2);
    expect([cut.arrival(1, 2, 0, 1), cut.arrival(2, 1, 0, 1)]).toEqual([-1, 100]);
    cut.mend(1, 2);
    expect(cut.arrival(1, 2, 0, 1)).toBe(100);
    expect(cut.isPartitioned).toBe(false);
  });

  test('an ordered link keeps the order, but for messages that are held back', () => {
    const latency: Distribution = { kind: 'uniform', minUs: 0, maxUs: 1000 };
    const isSorted = (times: readonly number[]) => times.every((at, i) => i === 0 || at >= times[i - 1]!);
    expect(isSorted(arrivals(network({ latency, ordered: true }), 200))).toBe(true);
    expect(isSorted(arrivals(network({ latency }), 200))).toBe(false);
    expect(isSorted(arrivals(network({ latency, ordered: true, reordering: 0.1 }), 200))).toBe(false);
  });

  test('with bandwidth, messages queue behind each other', () => {
    const slow = network({ bytesPerSecond: 1_000_000 });
    expect([slow.arrival(1, 2, 0, 500), slow.arrival(1, 2, 0, 500), slow.arrival(2, 1, 0, 500)]).toEqual([
      600, 1100, 600,
    ]);
    expect(slow.arrival(1, 2, 9000, 500)).toBe(9600);
  });

  test('copies come while a storm lasts', () => {
    const calm = network({});
    const storm = { loss: 0, duplication: 1, reordering: 0 };
    const copy = () => {
      calm.arrival(1, 2, 0, 1);
      return calm.copyArrival(1, 2, 100);
    };
    expect(copy()).toBe(-1);
    calm.begin(storm);
    expect(copy()).toBe(5200);
    calm.end(storm);
    expect(copy()).toBe(-1);
  });
});

describe('a clock', () => {
  test('drifts at its rate, from when that changes, and jumps only for the time of day', () => {
    const clock = new NodeClock({ offsetUs: 500, rate: 2 });
    expect([clock.monotonic(100), clock.wall(100), clock.virtual(100)]).toEqual([200, 700, 50]);
    clock.change(100, 0.5);
    clock.jump(1000);
    expect([clock.monotonic(200), clock.wall(200), clock.virtual(100)]).toEqual([250, 1750, 200]);
  });
});

describe('a disk', () => {
  const sync = new Sampler({ kind: 'constant', us: 300 });

  test('takes its time, longer while it is slow', () => {
    const disk = new NodeDisk(sync, new Prng(1));
    const slow = new Sampler({ kind: 'constant', us: 9000 });
    expect(disk.begin(0)).toBe(300);
    disk.slow(slow);
    expect(disk.begin(1)).toBe(9000);
    disk.unslow(slow);
    expect(disk.begin(2)).toBe(300);
  });

  test('a crash leaves nothing, all, or part of the write under way, and of a finished one there is nothing to lose', () => {
    const left = { nothing: 0, all: 0, part: 0 };
    for (let seed = 0; seed < 300; seed++) {
      const disk = new NodeDisk(sync, new Prng(seed));
      disk.begin(0);
      disk.begin(1);
      disk.finish(1);
      expect(disk.remains(1)).toBeNull();
      const share = disk.remains(0)!;
      left[share === 0 ? 'nothing' : share === 1 ? 'all' : 'part'] += 1;
      expect(disk.remains(0)).toBeNull();
    }
    expect(Math.min(left.nothing, left.all, left.part)).toBeGreaterThan(50);
  });
});
