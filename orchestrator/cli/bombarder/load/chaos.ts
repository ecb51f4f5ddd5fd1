/** Kills nodes of the local cluster at random while the load goes on, one at a time, and starts each again. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Prng } from '../../../../kit/prng.ts';
import type { LocalCluster, LocalNode } from '../local_cluster.ts';
import { NodeClient } from '../node_client.ts';

export interface ChaosOptions {
  readonly cluster: LocalCluster;
  readonly intervalSeconds: number;
  readonly random: Prng;
  /** Ends the chaos: with the load, or by a signal. */
  readonly signal: AbortSignal;
  readonly onEvent: (event: ChaosEvent) => void;
}

export interface ChaosEvent {
  readonly step: 'killed' | 'ready';
  readonly node: number;
  readonly role: string;
  /** Since the load began. */
  readonly atMs: number;
  /** From the kill to ready again. */
  readonly recoveryMs?: number;
}

/** A node stays dead for this share of the interval, within bounds: long enough that the others notice, and elect. */
const DOWN_SHARE = 0.3;
const DOWN_MS_MIN = 500;
const DOWN_MS_MAX = 3000;
/** What a node may take from its start until it is ready, when the machine is busy. */
const RECOVERY_MS_MAX = 4000;
/** After the last promised kill the load goes on for this share of an interval, so that it meets the node that comes back, too. */
const TAIL_SHARE = 0.8;

/** How long a load has to last for so many kills, the first after one interval, each once the node killed before is back. Seconds. */
export function paceForKills(kills: number, intervalSeconds: number): number {
  const recovery = (downMs(intervalSeconds) + RECOVERY_MS_MAX) / 1000;
  const between = Math.max(intervalSeconds, recovery);
  return Math.ceil(intervalSeconds + (kills - 1) * between + Math.max(intervalSeconds * TAIL_SHARE, recovery));
}

function downMs(intervalSeconds: number): number {
  return Math.min(DOWN_MS_MAX, Math.max(DOWN_MS_MIN, intervalSeconds * 1000 * DOWN_SHARE));
}

export class Chaos {
  readonly #options: ChaosOptions;
  readonly #events: ChaosEvent[] = [];
  #dead: LocalNode | undefined;

  constructor(options: ChaosOptions) {
    this.#options = options;
  }

  get events(): readonly ChaosEvent[] {
    return this.#events;
  }

  get kills(): number {
    return this.#events.filter(({ step }) => step === 'killed').length;
  }

  /** Resolves when the signal has come and every node is back, or rejects with what kept one from coming back. */
  async run(): Promise<void> {
    const { intervalSeconds, signal } = this.#options;
    const startedAt = performance.now();
    try {
      for (let round = 1; ; round += 1) {
        // By the clock of the load, not by that of the last recovery.
        await this.#wait(startedAt + round * intervalSeconds * 1000 - performance.now());
        if (signal.aborted) return;
        await this.#killOne(startedAt);
      }
    } finally {
      // Whatever happened, nobody is left dead.
      const { cluster } = this.#options;
      if (this.#dead !== undefined && cluster.process(this.#dead) === undefined) await cluster.startNode(this.#dead);
    }
  }

  async #killOne(startedAt: number): Promise<void> {
    const { cluster, random, intervalSeconds } = this.#options;
    const node = random.pick(cluster.nodes);
    const role = (await new NodeClient(node.url).status())?.role ?? 'unknown';
    const killedAt = performance.now();
    this.#dead = node;
    if (await cluster.kill(node)) this.#event({ step: 'killed', node: node.index, role, atMs: killedAt - startedAt });
    await this.#wait(downMs(intervalSeconds));
    await cluster.startNode(node);
    this.#dead = undefined;
    const readyAt = performance.now();
    this.#event({ step: 'ready', node: node.index, role, atMs: readyAt - startedAt, recoveryMs: readyAt - killedAt });
  }

  #event(event: ChaosEvent): void {
    this.#events.push(event);
    this.#options.onEvent(event);
  }

  async #wait(milliseconds: number): Promise<void> {
    await delay(Math.max(0, milliseconds), undefined, { signal: this.#options.signal }).catch(() => undefined);
  }
}
