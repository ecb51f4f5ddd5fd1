/**
 * Injects and heals the faults of a scenario on the load's clock and measures how long the system takes to recover.
 *
 * Two recoveries are measured for each fault. The *service* has recovered when a client's request that began after the injection
 * succeeded through any node: counted from the injection. The *system* has recovered when, after the heal, the service and every
 * node are ready again: counted from the heal.
 */

import type { Prng } from '../../kit/prng.ts';
import type { FaultKind } from '../../kit/system.ts';
import type { FaultRecord } from '../run/record.ts';
import type { FaultPlan } from '../scenario/types.ts';
import type { Clock } from './clock.ts';
import { chooseTarget, type TargetNode } from './target.ts';
import type { Fault, FaultNode, Heal } from './types.ts';

export interface ScheduledNode extends FaultNode, TargetNode {
  isReady(): Promise<boolean>;
  serves(timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
}

export interface SchedulerOptions {
  readonly plans: readonly FaultPlan[];
  readonly nodes: readonly ScheduledNode[];
  readonly faults: Readonly<Record<FaultKind, Fault>>;
  readonly clock: Clock;
  readonly random: Prng;
  /** Called whenever an outcome changes. */
  readonly onChange: (outcome: FaultRecord) => void;
}

const POLL_MS = 50;
const PROBE_TIMEOUT_MS = 1000;
/** A node without a leader for a moment has no leader to kill: the search goes on for so long. */
const TARGET_PATIENCE_MS = 3000;

export class FaultScheduler {
  readonly #options: SchedulerOptions;
  readonly #outcomes = new Map<string, FaultRecord>();
  /** What is in force now, by fault. */
  readonly #heals = new Map<string, Heal>();

  constructor(options: SchedulerOptions) {
    this.#options = options;
    for (const { name, kind, target } of options.plans) this.#outcomes.set(name, { name, kind, target });
  }

  get outcomes(): readonly FaultRecord[] {
    return [...this.#outcomes.values()];
  }

  /**
   * Runs all faults, each at its own time after `loadStartedAt`; resolves when all are healed and recovered, or `giveUpAt` has
   * passed. Aborting stops what is planned and rejects; `healAll` then undoes what is in force. Times are epoch milliseconds.
   */
  async run(loadStartedAt: number, giveUpAt: number, signal: AbortSignal): Promise<void> {
    const settled = await Promise.allSettled(
      this.#options.plans.map((plan) => this.#runOne(plan, loadStartedAt, giveUpAt, signal)),
    );
    signal.throwIfAborted();
    for (const result of settled) if (result.status === 'rejected') throw result.reason;
  }

  /** Undoes every fault that is still in force. Never rejects: what could not be healed is in the outcome. */
  async healAll(): Promise<void> {
    await Promise.all([...this.#heals.keys()].map((name) => this.#heal(name)));
  }

  async #runOne(plan: FaultPlan, loadStartedAt: number, giveUpAt: number, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    await clock.until(loadStartedAt + plan.atMs, signal);
    const injectedAt = await this.#inject(plan, signal);
    if (injectedAt === undefined) return;
    const service = this.#awaitService(plan.name, giveUpAt, signal);
    await clock.until(injectedAt + plan.healAfterMs, signal);
    await this.#heal(plan.name);
    if (await service) await this.#awaitAllReady(plan.name, giveUpAt, signal);
    else this.#update(plan.name, { healthAfter: await this.#health() });
  }

  /** The time of the injection, or undefined when it failed; the outcome then says why. */
  async #inject(plan: FaultPlan, signal: AbortSignal): Promise<number | undefined> {
    const { clock, faults } = this.#options;
    const fault = faults[plan.kind];
    const available = fault.available();
    if (available !== true) return this.#fail(plan.name, `not available here: ${available}`);
    const node = await this.#findTarget(plan, signal);
    if (node === undefined) return this.#fail(plan.name, `no running node was "${plan.target}"`);
    this.#update(plan.name, { node: node.index, healthBefore: await this.#health() });
    signal.throwIfAborted();
    // The window opens before the blow falls: what the system feels must lie inside.
    const injectedAt = clock.now();
    try {
      const heal = await fault.inject(node);
      this.#heals.set(plan.name, heal);
      this.#update(plan.name, { injectedAt });
      return injectedAt;
    } catch (error) {
      return this.#fail(plan.name, `could not be injected: ${messageOf(error)}`);
    }
  }

  async #findTarget(plan: FaultPlan, signal: AbortSignal): Promise<ScheduledNode | undefined> {
    const { clock, nodes, random } = this.#options;
    const deadline = clock.now() + TARGET_PATIENCE_MS;
    for (;;) {
      const node = await chooseTarget(plan.target, nodes, random.fork(plan.name));
      if (node !== undefined || clock.now() >= deadline) return node;
      await clock.until(clock.now() + POLL_MS, signal);
    }
  }

  async #heal(name: string): Promise<void> {
    const heal = this.#heals.get(name);
    if (heal === undefined) return;
    this.#heals.delete(name);
    const healedAt = this.#options.clock.now();
    try {
      await heal();
      this.#update(name, { healedAt });
    } catch (error) {
      this.#fail(name, `could not be healed: ${messageOf(error)}`);
    }
  }

  async #awaitService(name: string, giveUpAt: number, signal: AbortSignal): Promise<boolean> {
    const { clock, nodes } = this.#options;
    while (clock.now() < giveUpAt && !signal.aborted) {
      const probes = nodes.map(async (node) => {
        if (!(await node.serves(PROBE_TIMEOUT_MS, signal))) throw new Error('no answer');
      });
      const served = await Promise.any(probes).then(
        () => true,
        () => false,
      );
      if (served) {
        this.#update(name, { serviceRecoveredAt: clock.now() });
        return true;
      }
      await clock.until(clock.now() + POLL_MS, signal).catch(() => undefined);
    }
    return false;
  }

  async #awaitAllReady(name: string, giveUpAt: number, signal: AbortSignal): Promise<void> {
    const { clock, nodes } = this.#options;
    while (clock.now() < giveUpAt) {
      const ready = await Promise.all(nodes.map((node) => node.isReady()));
      if (ready.every(Boolean)) {
        this.#update(name, { recoveredAt: clock.now(), healthAfter: fraction(ready) });
        return;
      }
      await clock.until(clock.now() + POLL_MS, signal);
    }
    this.#update(name, { healthAfter: await this.#health() });
  }

  async #health(): Promise<string> {
    return fraction(await Promise.all(this.#options.nodes.map((node) => node.isReady())));
  }

  #fail(name: string, error: string): undefined {
    this.#update(name, { error });
  }

  #update(name: string, change: Partial<FaultRecord>): void {
    const outcome = { ...this.#outcomes.get(name)!, ...change };
    this.#outcomes.set(name, outcome);
    this.#options.onChange(outcome);
  }
}

/** Reasons for which a run cannot be concluded: what the scenario promised and did not happen. */
export function brokenPromises(outcomes: readonly FaultRecord[]): string[] {
  return outcomes.flatMap((outcome) => {
    const { name, kind, target, injectedAt, healedAt, recoveredAt, error, healthBefore } = outcome;
    if (error !== undefined) return [`fault "${name}" (${kind} ${target}) ${error}`];
    if (injectedAt === undefined) return [`fault "${name}" was never injected`];
    if (healedAt === undefined) return [`fault "${name}" was never healed`];
    if (!isWhole(healthBefore) && !outcomes.some((other) => other !== outcome && inForce(other, injectedAt)))
      return [`fault "${name}" struck a cluster of which only ${healthBefore} nodes were ready`];
    // Whether it would have in time is not known: a run that ends before the objective `recovery` is over sees no alert for it.
    return recoveredAt === undefined
      ? [`fault "${name}" was healed, but the run ended before the system had recovered`]
      : [];
  });
}

/** From the injection to the end of the recovery. */
function inForce({ injectedAt, recoveredAt }: FaultRecord, time: number): boolean {
  return injectedAt !== undefined && injectedAt <= time && time <= (recoveredAt ?? Number.POSITIVE_INFINITY);
}

/** `3/3` */
function isWhole(health: string | undefined): boolean {
  const [ready, all] = health?.split('/') ?? [];
  return ready === all;
}

function fraction(ready: readonly boolean[]): string {
  return `${ready.filter(Boolean).length}/${ready.length}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
