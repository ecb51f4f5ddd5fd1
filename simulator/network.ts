import type { Prng } from '../kit/prng.ts';
import { happens, Sampler } from './distribution.ts';
import type { Micros, NetworkWeather, NodeNumber } from './types.ts';

/** Node numbers are below this. */
export const NODES_MAX = 64;

/** One direction between two nodes. */
interface Link {
  readonly random: Prng;
  /** With bandwidth: when what was sent so far is through. */
  busyUntil: Micros;
  /** When the last message that was not held back arrives. */
  lastArrival: Micros;
}

/** Chances in force on top of the weather's. */
export interface Storm {
  readonly loss: number;
  readonly duplication: number;
  readonly reordering: number;
}

/** After healing: every message arrives once, soon. */
const FAIR: NetworkWeather = {
  latency: { kind: 'uniform', minUs: 200, maxUs: 800 },
  loss: 0,
  duplication: 0,
  reordering: 0,
  heldBack: { kind: 'constant', us: 0 },
  ordered: true,
  bytesPerSecond: null,
};

const FAIR_LATENCY = new Sampler(FAIR.latency);

/** Decides what becomes of each message: lost, or when it arrives, and whether twice. */
export class Network {
  readonly #random: Prng;
  readonly #links: (Link | undefined)[] = new Array(NODES_MAX * NODES_MAX);
  /** How many faults cut this direction. */
  readonly #cuts = new Uint8Array(NODES_MAX * NODES_MAX);
  #cutsTotal = 0;
  #weather: NetworkWeather;
  #latency: Sampler;
  #heldBack: Sampler;
  #loss = 0;
  #duplication = 0;
  #reordering = 0;
  readonly #storms = new Set<Storm>();
  lost = 0;
  duplicated = 0;

  constructor(weather: NetworkWeather, random: Prng) {
    this.#random = random;
    this.#weather = weather;
    this.#latency = new Sampler(weather.latency);
    this.#heldBack = new Sampler(weather.heldBack);
    this.#sum();
  }

  get isPartitioned(): boolean {
    return this.#cutsTotal > 0;
  }

  isCut(from: NodeNumber, to: NodeNumber): boolean {
    return this.#cuts[from * NODES_MAX + to]! > 0;
  }

  cut(from: NodeNumber, to: NodeNumber): void {
    this.#cuts[from * NODES_MAX + to]! += 1;
    this.#cutsTotal += 1;
  }

  mend(from: NodeNumber, to: NodeNumber): void {
    this.#cuts[from * NODES_MAX + to]! -= 1;
    this.#cutsTotal -= 1;
  }

  begin(storm: Storm): void {
    this.#storms.add(storm);
    this.#sum();
  }

  end(storm: Storm): void {
    this.#storms.delete(storm);
    this.#sum();
  }

  /** No weather any more. */
  calm(): void {
    this.#weather = FAIR;
    this.#latency = FAIR_LATENCY;
    this.#sum();
  }

  /** When a message sent now arrives, or -1 when it is lost. */
  arrival(from: NodeNumber, to: NodeNumber, now: Micros, bytes: number): Micros {
    const at = from * NODES_MAX + to;
    const link = this.#links[at] ?? this.#link(at, from, to);
    const { random } = link;
    if (this.#cuts[at]! > 0 || happens(random, this.#loss)) {
      this.lost += 1;
      return -1;
    }
    let leaves = now;
    const { bytesPerSecond, ordered } = this.#weather;
    if (bytesPerSecond !== null) {
      leaves = Math.max(now, link.busyUntil) + Math.ceil((bytes * 1_000_000) / bytesPerSecond);
      link.busyUntil = leaves;
    }
    const arrives = leaves + this.#latency.sample(random);
    if (happens(random, this.#reordering)) return arrives + this.#heldBack.sample(random);
    if (!ordered) return arrives;
    link.lastArrival = Math.max(link.lastArrival, arrives);
    return link.lastArrival;
  }

  /** When a second copy of a message that arrives comes, or -1 when there is none. */
  copyArrival(from: NodeNumber, to: NodeNumber, now: Micros): Micros {
    if (this.#duplication === 0) return -1;
    const { random } = this.#links[from * NODES_MAX + to]!;
    if (!happens(random, this.#duplication)) return -1;
    this.duplicated += 1;
    return now + this.#latency.sample(random) + this.#heldBack.sample(random);
  }

  #link(at: number, from: NodeNumber, to: NodeNumber): Link {
    const link = { random: this.#random.fork(`${from}→${to}`), busyUntil: 0, lastArrival: 0 };
    this.#links[at] = link;
    return link;
  }

  #sum(): void {
    this.#loss = this.#weather.loss;
    this.#duplication = this.#weather.duplication;
    this.#reordering = this.#weather.reordering;
    for (const storm of this.#storms) {
      this.#loss = Math.min(1, this.#loss + storm.loss);
      this.#duplication = Math.min(1, this.#duplication + storm.duplication);
      this.#reordering = Math.min(1, this.#reordering + storm.reordering);
    }
  }
}
