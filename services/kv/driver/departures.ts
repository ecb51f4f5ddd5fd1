import type { NodeId } from '../core/raft/types.ts';
import type { PeerPlace } from '../transport/peer-stream.ts';
import type { Transport } from '../transport/transport.ts';

/**
 * Whom to be connected to: all members, and for a while those that were. A configuration is in force as soon as it is in the log; who is
 * removed by it has to hear that it was committed, or it goes on asking for votes.
 */
export class Departures {
  readonly #transport: Pick<Transport, 'setPeers'>;
  readonly #graceMs: number;
  readonly #now: () => number;
  #members: readonly PeerPlace[] = [];
  readonly #leaving = new Map<NodeId, { readonly place: PeerPlace; readonly untilMs: number }>();

  constructor(transport: Pick<Transport, 'setPeers'>, graceMs: number, now: () => number) {
    this.#transport = transport;
    this.#graceMs = graceMs;
    this.#now = now;
  }

  /** These are the members from now on, this node left out. */
  follow(places: readonly PeerPlace[]): void {
    const stays = new Set(places.map(({ node }) => node));
    for (const place of this.#members) {
      if (!stays.has(place.node)) this.#leaving.set(place.node, { place, untilMs: this.#now() + this.#graceMs });
    }
    for (const node of stays) this.#leaving.delete(node);
    this.#members = places;
    this.#connect();
  }

  /** Lets those go whose time is over. */
  look(): void {
    const over = [...this.#leaving].filter(([, { untilMs }]) => this.#now() >= untilMs);
    if (over.length === 0) return;
    for (const [node] of over) this.#leaving.delete(node);
    this.#connect();
  }

  #connect(): void {
    this.#transport.setPeers([...this.#members, ...[...this.#leaving.values()].map(({ place }) => place)]);
  }
}
