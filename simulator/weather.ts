import type { Prng } from '../kit/prng.ts';
import type { ClockWeather, Distribution, NetworkWeather, Weather } from './types.ts';

const MS = 1000;

/** Latencies of networks that systems meet: one switch, one city, a congested link, and one with a long tail. */
const LATENCIES: readonly Distribution[] = [
  { kind: 'constant', us: 500 },
  { kind: 'uniform', minUs: 100, maxUs: 2 * MS },
  { kind: 'uniform', minUs: 500, maxUs: 20 * MS },
  { kind: 'exponential', minUs: 200, meanUs: 2 * MS, maxUs: 200 * MS },
  { kind: 'lognormal', medianUs: 1500, sigma: 1.2, maxUs: 400 * MS },
];

/** Syncs of a fast disk, a busy one, and one that stalls now and then. */
const SYNCS: readonly Distribution[] = [
  { kind: 'constant', us: 300 },
  { kind: 'uniform', minUs: 200, maxUs: 3 * MS },
  { kind: 'exponential', minUs: 300, meanUs: 4 * MS, maxUs: 300 * MS },
  { kind: 'lognormal', medianUs: 1000, sigma: 1.5, maxUs: 600 * MS },
];

/** A climate for a run: from fair to rough, each part drawn on its own. */
export function generateWeather(random: Prng, nodes: number): Weather {
  return {
    network: generateNetwork(random),
    disk: { sync: random.pick(SYNCS) },
    clocks: Array.from({ length: nodes }, () => generateClock(random)),
  };
}

function generateNetwork(random: Prng): NetworkWeather {
  return {
    latency: random.pick(LATENCIES),
    loss: random.pick([0, 0, 0.01, 0.05]),
    duplication: random.pick([0, 0, 0.02, 0.1]),
    reordering: random.pick([0, 0, 0.02, 0.1]),
    heldBack: { kind: 'exponential', minUs: MS, meanUs: 30 * MS, maxUs: 1500 * MS },
    ordered: random.integer(0, 2) === 0,
    bytesPerSecond: random.pick([null, null, null, 200_000]),
  };
}

/** Mostly drift as crystals have it, in parts per million; now and then a clock that is plainly wrong. */
function generateClock(random: Prng): ClockWeather {
  const offsetUs = random.integer(-2_000_000, 2_000_000);
  const rate = random.integer(0, 5) === 0 ? random.pick([0.7, 0.9, 1.1, 1.4]) : 1 + random.integer(-200, 201) / 1e6;
  return { offsetUs, rate };
}
