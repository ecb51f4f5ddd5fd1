/** What changed between two looks, in sentences. */
import { formatDuration } from '../../../scenario/units.ts';
import type { ClusterView, NodeView } from './observe.ts';

export interface ClusterEvent {
  /** Epoch ms. */
  readonly at: number;
  readonly severity: 'good' | 'bad' | 'neutral';
  readonly text: string;
}

export class EventLog {
  #before: ClusterView | undefined;
  /** The last leader that there was: its name, and the term. */
  #leader: { readonly name: string; readonly term: number } | undefined;
  #leaderlessSince: number | undefined;
  readonly #silentSince = new Map<string, number>();
  readonly #kept: number;
  #events: readonly ClusterEvent[] = [];

  /** @param kept how many events are remembered */
  constructor(kept = 100) {
    this.#kept = kept;
  }

  /** The newest first. */
  get events(): readonly ClusterEvent[] {
    return this.#events;
  }

  /** @returns what is new, in order */
  add(view: ClusterView): readonly ClusterEvent[] {
    const before = this.#before;
    this.#before = view;
    const found = [
      ...view.nodes.flatMap((node) =>
        this.#ofNode(
          before?.nodes.find(({ url }) => url === node.url),
          node,
          view.at,
        ),
      ),
      ...this.#ofLeader(view),
    ];
    this.#events = [...found.toReversed(), ...this.#events].slice(0, this.#kept);
    return found;
  }

  /** Epoch ms since when a node has not answered. */
  silentSince(url: string): number | undefined {
    return this.#silentSince.get(url);
  }

  get leaderlessSince(): number | undefined {
    return this.#leaderlessSince;
  }

  #ofNode(before: NodeView | undefined, node: NodeView, at: number): ClusterEvent[] {
    const name = nameOf(node);
    if (node.status === null) {
      if (this.#silentSince.has(node.url)) return [];
      this.#silentSince.set(node.url, at);
      const text = before?.status ? `${name} stopped answering` : `${name} does not answer`;
      return [{ at, severity: 'bad', text }];
    }
    const silentSince = this.#silentSince.get(node.url);
    this.#silentSince.delete(node.url);
    if (silentSince !== undefined)
      return [
        { at, severity: 'good', text: `${name} answers again, after ${formatDuration(seconds(at - silentSince))}` },
      ];
    return [...restart(before, node, at), ...synchrony(before, node, at), ...divergence(before, node, at)];
  }

  #ofLeader(view: ClusterView): ClusterEvent[] {
    const { at, leader, term } = view;
    if (leader === null || term === null) {
      const known = this.#leaderlessSince !== undefined;
      this.#leaderlessSince ??= at;
      return known ? [] : [{ at, severity: 'bad', text: 'there is no leader: writes wait' }];
    }
    this.#leaderlessSince = undefined;
    const name = nameOf(view.nodes[leader]!);
    const before = this.#leader;
    this.#leader = { name, term };
    if (before?.name === name && before.term === term) return [];
    const from = before === undefined || before.name === name ? '' : ` (before: ${before.name})`;
    const what =
      before === undefined ? `${name} leads in term ${term}` : `${name} became leader in term ${term}${from}`;
    return [{ at, severity: 'neutral', text: what }];
  }
}

function restart(before: NodeView | undefined, node: NodeView, at: number): ClusterEvent[] {
  const uptime = node.status!.uptime_seconds;
  const younger = before?.status != null && uptime < before.status.uptime_seconds;
  return younger ? [{ at, severity: 'neutral', text: `${nameOf(node)} was restarted` }] : [];
}

function synchrony(before: NodeView | undefined, node: NodeView, at: number): ClusterEvent[] {
  const [was, is] = [before?.follower?.status, node.follower?.status];
  if (was === undefined || is === undefined || was === is) return [];
  const severity = is === 'healthy' ? 'good' : is === 'desynced' ? 'bad' : 'neutral';
  const words = {
    healthy: 'is in sync',
    lagging: 'lags',
    desynced: 'is out of sync',
    snapshotting: 'takes a snapshot',
  };
  return [{ at, severity, text: `${nameOf(node)} ${words[is]}, lag ${node.follower!.lag}` }];
}

function divergence(before: NodeView | undefined, node: NodeView, at: number): ClusterEvent[] {
  if (node.agreement !== 'different' || before?.agreement === 'different') return [];
  return [{ at, severity: 'bad', text: `${nameOf(node)} HOLDS ANOTHER STATE than the rest` }];
}

export function nameOf({ node, address }: NodeView): string {
  return node === null ? address : `node ${node}`;
}

/** Whole seconds are exact enough for what was looked at once a second. */
function seconds(milliseconds: number): number {
  return Math.max(1000, Math.round(milliseconds / 1000) * 1000);
}
