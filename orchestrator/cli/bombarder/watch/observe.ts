/** One look at all nodes of a cluster, and what follows from it and the looks before. */
import type { FollowerSync, NodeStatus, RaftHealth } from '../../../../services/kv/api.ts';
import { StateAgreement } from '../agreement.ts';
import { NodeClient } from '../node_client.ts';
import { note } from '../verify.ts';

/** A node as it was seen; what it does not tell is null. */
export interface NodeView {
  readonly url: string;
  readonly address: string;
  /** Kept from when it last answered. */
  readonly node: number | null;
  readonly status: NodeStatus | null;
  readonly health: RaftHealth['status'] | null;
  /** As the leader sees it. */
  readonly follower: FollowerSync | null;
  /** Client requests a second since the look before. */
  readonly operationsPerSecond: number | null;
  /** `equal` with every other node that could be compared, at one applied index. */
  readonly agreement: 'equal' | 'different' | 'unknown';
}

export interface ClusterView {
  /** Epoch ms. */
  readonly at: number;
  readonly nodes: readonly NodeView[];
  /** Position in `nodes` of the leader of the highest term; null when none says that it leads. */
  readonly leader: number | null;
  readonly term: number | null;
}

interface Look {
  readonly status: NodeStatus | undefined;
  readonly health: RaftHealth | undefined;
  readonly requests: number | undefined;
}

/** The last count of requests of a node, and when it was read. */
interface Counted {
  readonly requests: number;
  readonly atMs: number;
}

/** Two sightings a look: a difference that was mended, as by a resync, is shown for half a minute more at one look a second. */
const REMEMBERED = 60;

export class ClusterObserver {
  #clients: readonly NodeClient[];
  #agreement: StateAgreement;
  #ids: (number | null)[];
  #counted: (Counted | undefined)[];

  /** @param urls as far as they are known; members that these name are added */
  constructor(urls: readonly string[]) {
    this.#clients = urls.map((url) => new NodeClient(url));
    this.#agreement = new StateAgreement(urls.length, REMEMBERED);
    this.#ids = urls.map(() => null);
    this.#counted = urls.map(() => undefined);
  }

  async look(): Promise<ClusterView> {
    let looks = await this.#ask();
    if (this.#addMembers(looks)) looks = await this.#ask();
    for (const [node, { status }] of looks.entries()) {
      if (status === undefined) this.#agreement.forget(node);
      else {
        this.#ids[node] = status.node_id;
        note(this.#agreement, node, status);
      }
    }
    const leader = leaderOf(looks);
    const sync = leader === null ? undefined : await this.#clients[leader]!.syncStatus();
    const views = looks.map((look, node) => this.#view(node, look, sync?.followers ?? []));
    const nodes = views.toSorted((a, b) => (a.node ?? Infinity) - (b.node ?? Infinity) || a.url.localeCompare(b.url));
    if (leader === null) return { at: Date.now(), nodes, leader, term: null };
    return { at: Date.now(), nodes, leader: nodes.indexOf(views[leader]!), term: views[leader]!.status!.term };
  }

  #ask(): Promise<Look[]> {
    return Promise.all(
      this.#clients.map(async (client) => {
        const [status, health, requests] = await Promise.all([client.status(), client.health(), client.requests()]);
        return { status, health, requests };
      }),
    );
  }

  /** Whoever was given one node's address sees the whole cluster. @returns whether there are new ones */
  #addMembers(looks: readonly Look[]): boolean {
    const known = new Set(this.#clients.map(({ address }) => address));
    const members = looks.flatMap(({ status }) => status?.members ?? []);
    const added = [...new Map(members.map((member) => [member.address, member])).values()].filter(
      ({ address }) => !known.has(address),
    );
    if (added.length === 0) return false;
    this.#clients = [...this.#clients, ...added.map(({ url }) => new NodeClient(url))];
    this.#agreement = new StateAgreement(this.#clients.length, REMEMBERED);
    this.#ids = [...this.#ids, ...added.map(({ node_id }) => node_id)];
    this.#counted = this.#clients.map((_, node) => this.#counted[node]);
    return true;
  }

  #view(node: number, look: Look, followers: readonly FollowerSync[]): NodeView {
    const { url, address } = this.#clients[node]!;
    const { status } = look;
    return {
      ...{ url, address, node: this.#ids[node]! },
      status: status ?? null,
      health: look.health?.status ?? null,
      follower: followers.find((follower) => follower.address === address) ?? null,
      operationsPerSecond: this.#rate(node, look.requests),
      agreement: status === undefined ? 'unknown' : this.#agrees(node),
    };
  }

  /** With every other node that was seen at a common index; `different` when it is the odd one, or nobody knows who is. */
  #agrees(node: number): NodeView['agreement'] {
    const all = this.#clients.map((_, position) => position);
    const together = this.#agreement.among(all);
    if (together.result === 'different') {
      return together.odd.length === 0 || together.odd.includes(node) ? 'different' : 'equal';
    }
    const others = all.filter((other) => other !== node);
    const pairs = others.map((other) => this.#agreement.among([node, other]).result);
    return pairs.includes('equal') ? 'equal' : 'unknown';
  }

  #rate(node: number, requests: number | undefined): number | null {
    const before = this.#counted[node];
    const atMs = performance.now();
    this.#counted[node] = requests === undefined ? undefined : { requests, atMs };
    // Fewer than before: it was started anew.
    if (before === undefined || requests === undefined || requests < before.requests) return null;
    return (requests - before.requests) / ((atMs - before.atMs) / 1000);
  }
}

/** Of several that say so, the one with the highest term: the others have not heard of it yet. */
function leaderOf(looks: readonly Look[]): number | null {
  const leaders = looks.flatMap(({ status }, node) => (status?.is_leader ? [{ node, term: status.term }] : []));
  return leaders.sort((a, b) => b.term - a.term)[0]?.node ?? null;
}
