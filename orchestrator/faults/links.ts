/**
 * Faults of links: what the proxies between the nodes do to the bytes. A way from A to B is two streams: what A sends on the connections
 * that it dialled, and what it answers on those that B dialled.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Prng } from '../../kit/prng.ts';
import type { LinkFaultKind } from '../../kit/system.ts';
import { type Edge, edgesOf } from './edges.ts';
import { NotInForceError } from './not_in_force.ts';
import { proxyName, type Toxic, type ToxiproxyApi } from './toxiproxy.ts';
import type { Fault, Heal, Strike } from './types.ts';

/** TCP's shortest retransmission time-out on Linux (TCP_RTO_MIN). */
const STALL_MS = 200;

export interface LinkOptions {
  readonly api: ToxiproxyApi;
  /** How many nodes. */
  readonly count: number;
}

/** `links` is undefined in a cluster whose nodes dial each other directly; `why` says what to do about it. */
export function linkFaults(links: LinkOptions | undefined, why: string): Readonly<Record<LinkFaultKind, Fault>> {
  const fault = (kind: LinkFaultKind, inject: (links: LinkOptions, strike: Strike) => Promise<Heal>): Fault => ({
    kind,
    available: () => (links === undefined ? why : true),
    inject: (strike) => {
      if (links === undefined) throw new Error(why);
      return inject(links, strike);
    },
  });
  return {
    // Bytes vanish and the connection stays, as when a cable is cut; at the heal it is closed, since its stream has a hole.
    partition: fault('partition', (at, strike) => poison(at, strike, 'timeout', { timeout: 0 })),
    latency: fault('latency', (at, strike) => {
      const { delayMs = 0, jitterMs = 0 } = strike.parameters;
      return poison(at, strike, 'latency', { latency: delayMs, jitter: jitterMs });
    }),
    bandwidth: fault('bandwidth', (at, strike) => {
      const rate = Math.max(1, Math.round((strike.parameters.bytesPerSecond ?? 0) / 1000));
      return poison(at, strike, 'bandwidth', { rate });
    }),
    reset: fault('reset', (at, strike) => poison(at, strike, 'reset_peer', { timeout: 0 })),
    stall: fault('stall', async (at, strike) => new Stalls(at, strike).begin()),
  };
}

/** A stream of a proxy. */
interface Stream {
  readonly proxy: string;
  readonly stream: Toxic['stream'];
}

function streamsOf({ from, to }: Edge): Stream[] {
  return [
    { proxy: proxyName({ from, to }), stream: 'upstream' },
    { proxy: proxyName({ from: to, to: from }), stream: 'downstream' },
  ];
}

/** The same toxic on every stream that the strike is about, read back before it counts. */
async function poison(
  { api, count }: LinkOptions,
  strike: Strike,
  type: Toxic['type'],
  attributes: Toxic['attributes'],
): Promise<Heal> {
  const streams = edgesOf(strike, count).flatMap(streamsOf);
  const toxic = (stream: Stream): Toxic => ({ name: nameOn(strike, stream), type, stream: stream.stream, attributes });
  try {
    await inOrder(streams, (stream) => api.addToxic(stream.proxy, toxic(stream)));
    await verify(api, streams, toxic);
  } catch (error) {
    await clear(api, strike, streams).catch(() => undefined);
    throw error;
  }
  return async () => {
    const lost = await clear(api, strike, streams);
    if (lost.length > 0) throw new LostFaultError(type, lost);
  };
}

/** What was in force is not any more, and nobody here has healed it: the run saw less than was promised. */
class LostFaultError extends NotInForceError {
  constructor(type: Toxic['type'], lost: readonly Stream[]) {
    const where = [...new Set(lost.map(({ proxy }) => proxy))].join(', ');
    super(`the ${type} had gone from ${where} before its end: somebody else changed the proxies`);
  }
}

/** Streams of different proxies at once, those of one proxy one after the other. */
async function inOrder(streams: readonly Stream[], act: (stream: Stream) => Promise<void>): Promise<void> {
  const byProxy = Map.groupBy(streams, ({ proxy }) => proxy);
  await Promise.all(
    [...byProxy.values()].map(async (own) => {
      for (const stream of own) await act(stream);
    }),
  );
}

async function verify(api: ToxiproxyApi, streams: readonly Stream[], toxic: (stream: Stream) => Toxic): Promise<void> {
  const proxies = await api.proxies();
  for (const stream of streams) {
    const { name, type, attributes } = toxic(stream);
    const found = proxies[stream.proxy]?.toxics.find((candidate) => candidate.name === name);
    if (found?.type !== type || Object.entries(attributes).some(([key, value]) => found.attributes[key] !== value))
      throw new NotInForceError(`the proxy ${stream.proxy} does not have the ${type} that was asked for`);
  }
}

/** @returns the streams on which there was nothing to remove */
async function clear(api: ToxiproxyApi, strike: Strike, streams: readonly Stream[]): Promise<readonly Stream[]> {
  const proxies = await api.proxies();
  const isPoisoned = (stream: Stream) =>
    proxies[stream.proxy]?.toxics.some(({ name }) => name === nameOn(strike, stream)) === true;
  const [inForce, lost] = [streams.filter(isPoisoned), streams.filter((stream) => !isPoisoned(stream))];
  await inOrder(inForce, (stream) => api.removeToxic(stream.proxy, nameOn(strike, stream)));
  return lost;
}

function nameOn({ name }: Strike, { stream }: Stream): string {
  return `${name}-${stream}`;
}

/**
 * A TCP proxy cannot lose a packet, but it can do what a lost packet does to a connection: everything waits, in order, until the
 * retransmission. Time is cut into pieces of one retransmission time-out. For each piece and each way between two nodes the seed
 * decides, with the probability, whether the way holds back whatever comes until the piece is over. So that share of evenly sent data
 * meets a connection at a standstill, and two pieces in a row (probability squared) are a time-out that was doubled.
 */
class Stalls {
  readonly #links: LinkOptions;
  readonly #strike: Strike;
  readonly #pieceMs: number;
  readonly #end = new AbortController();
  #count = 0;
  #error: unknown;

  constructor(links: LinkOptions, strike: Strike) {
    this.#links = links;
    this.#strike = strike;
    this.#pieceMs = strike.parameters.delayMs ?? STALL_MS;
  }

  begin(): Heal {
    const edges = edgesOf(this.#strike, this.#links.count);
    const ways = edges.map((edge) => this.#disturb(edge));
    return async () => {
      this.#end.abort();
      await Promise.all(ways);
      if (this.#error !== undefined) throw this.#error;
      if (this.#count === 0) throw new NotInForceError('no stall fell into its time: make it longer, or more probable');
    };
  }

  async #disturb(edge: Edge): Promise<void> {
    const random = new Prng(this.#strike.seed).fork(proxyName(edge));
    const { api } = this.#links;
    const streams = streamsOf(edge);
    let held = false;
    const turn = async (hold: boolean) => {
      if (hold === held) return;
      held = hold;
      if (!hold) {
        const lost = await clear(api, this.#strike, streams);
        if (lost.length > 0) throw new LostFaultError('latency', lost);
        return;
      }
      this.#count += 1;
      // Longer than any hold: what is held is let go all at once when the toxic is removed.
      const attributes = { latency: 60_000, jitter: 0 };
      await inOrder(streams, (stream) =>
        api.addToxic(stream.proxy, { name: nameOn(this.#strike, stream), type: 'latency', ...stream, attributes }),
      );
    };
    try {
      const started = performance.now();
      for (let piece = 1; !this.#end.signal.aborted; piece += 1) {
        await turn(random.float() < (this.#strike.parameters.probability ?? 0));
        const wait = Math.max(0, started + piece * this.#pieceMs - performance.now());
        await delay(wait, undefined, { signal: this.#end.signal }).catch(() => undefined);
      }
      await turn(false);
    } catch (error) {
      this.#error ??= error;
      await clear(api, this.#strike, streams).catch(() => undefined);
    }
  }
}
