/**
 * Injects and heals the faults of a scenario on the load's clock and measures how long the system takes to recover.
 *
 * Two recoveries are measured for each fault. The *service* has recovered when a client's request that began after the injection
 * succeeded through any node: counted from the injection. The *system* has recovered when, after the heal, the service and every
 * node are ready again: counted from the heal.
 */

import { messageOf } from '../../kit/errors.ts';
import type { Prng } from '../../kit/prng.ts';
import { OBSERVERS } from '../../kit/system.ts';
import { type FaultRecord, injectionName, plannedInjections } from '../run/record.ts';
import type { FaultPlan } from '../scenario/types.ts';
import type { Clock } from './clock.ts';
import { chooseTargets, divide, type TargetNode } from './target.ts';
import type { FaultNode, Faults, Heal, Strike } from './types.ts';

export interface ScheduledNode extends FaultNode, TargetNode {
  isReady(): Promise<boolean>;
  serves(timeoutMs: number, signal?: AbortSignal): Promise<boolean>;
}

export interface SchedulerOptions {
  readonly plans: readonly FaultPlan[];
  readonly nodes: readonly ScheduledNode[];
  readonly faults: Faults;
  readonly clock: Clock;
  readonly random: Prng;
  /** Whether the nodes can be asked if clients are served; without, only the nodes' readiness is waited for. */
  readonly probed: boolean;
  /** Called whenever an outcome changes. */
  readonly onChange: (outcome: FaultRecord) => void;
}

/** Epoch milliseconds. */
export interface Schedule {
  readonly loadStartedAt: number;
  /** No injection may last longer. */
  readonly loadEndsAt: number;
  /** Nobody waits longer for a recovery. */
  readonly giveUpAt: number;
}

const POLL_MS = 50;
const PROBE_TIMEOUT_MS = 1000;
/** A node without a leader for a moment has no leader to kill: the search goes on for so long. */
const TARGET_PATIENCE_MS = 3000;
/** An injection that waited no longer than this for the one before was in time. */
const LATE_MS_MIN = 250;

/** One injection, in `outcomes` by `name`. */
interface Injection {
  readonly name: string;
  readonly plan: FaultPlan;
  readonly plannedAt: number;
}

interface Blow {
  readonly injectedAt: number;
  /** Whether clients were served again before it was time to give up. */
  readonly service: Promise<boolean>;
}

export class FaultScheduler {
  readonly #options: SchedulerOptions;
  readonly #outcomes = new Map<string, FaultRecord>();
  /** What is in force now, by injection. */
  readonly #heals = new Map<string, Heal>();

  constructor(options: SchedulerOptions) {
    this.#options = options;
    for (const record of options.plans.flatMap(plannedInjections)) this.#outcomes.set(injectionName(record), record);
  }

  get outcomes(): readonly FaultRecord[] {
    return [...this.#outcomes.values()];
  }

  /**
   * Runs all faults, each at its own time after the load has started; resolves when all are healed and recovered, or it is time to
   * give up. Aborting stops what is planned and rejects; `healAll` then undoes what is in force.
   */
  async run(schedule: Schedule, signal: AbortSignal): Promise<void> {
    const settled = await Promise.allSettled(this.#options.plans.map((plan) => this.#runPlan(plan, schedule, signal)));
    signal.throwIfAborted();
    for (const result of settled) if (result.status === 'rejected') throw result.reason;
  }

  /** Undoes every fault that is still in force. Never rejects: what could not be healed is in the outcome. */
  async healAll(): Promise<void> {
    await Promise.all([...this.#heals.keys()].map((name) => this.#heal(name)));
  }

  /** One injection after the other: the next one waits until the system has recovered from the one before. */
  async #runPlan(plan: FaultPlan, schedule: Schedule, signal: AbortSignal): Promise<void> {
    for (const [place, record] of plannedInjections(plan).entries()) {
      const plannedAt = schedule.loadStartedAt + plan.atMs + place * (plan.repeat?.everyMs ?? 0);
      await this.#runOne({ name: injectionName(record), plan, plannedAt }, schedule, signal);
    }
  }

  async #runOne(injection: Injection, { loadEndsAt, giveUpAt }: Schedule, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const { name, plan, plannedAt } = injection;
    await clock.until(plannedAt, signal);
    const lateMs = clock.now() - plannedAt;
    const isLate = plan.repeat !== undefined && lateMs > LATE_MS_MIN;
    // An injection that the load does not cover proves nothing; it stays uninjected, and the promise broken.
    if (isLate && clock.now() + plan.healAfterMs > loadEndsAt) return;
    if (isLate) this.#update(name, { lateMs });
    const blow = await this.#inject(injection, giveUpAt, signal);
    if (blow === undefined) return;
    await clock.until(blow.injectedAt + plan.healAfterMs, signal);
    await this.#heal(name);
    if (await blow.service) await this.#awaitAllReady(name, giveUpAt, signal);
    else this.#update(name, { healthAfter: await this.#health() });
  }

  /** The injection and the recovery of the service, or undefined when it failed; the outcome then says why. */
  async #inject({ name, plan }: Injection, giveUpAt: number, signal: AbortSignal): Promise<Blow | undefined> {
    const { clock, faults } = this.#options;
    const fault = faults[plan.kind];
    const available = fault.available();
    if (available !== true) return this.#fail(name, `not available here: ${available}`);
    const strike = await this.#aim(name, plan, signal);
    if (strike === undefined) return this.#fail(name, `no running node was "${plan.target}"`);
    this.#update(name, { ...whom(strike), healthBefore: await this.#health() });
    signal.throwIfAborted();
    // The window opens before the blow falls: what the system feels must lie inside.
    const injectedAt = clock.now();
    let blow: Blow | undefined;
    const struck = () => {
      if (blow === undefined) this.#update(name, { injectedAt });
      blow ??= { injectedAt, service: this.#awaitService(name, giveUpAt, signal) };
      return blow;
    };
    try {
      this.#heals.set(name, await fault.inject({ ...strike, struck }));
      return struck();
    } catch (error) {
      return this.#fail(name, `could not be injected: ${messageOf(error)}`);
    }
  }

  async #aim(name: string, plan: FaultPlan, signal: AbortSignal): Promise<Omit<Strike, 'struck'> | undefined> {
    const { clock, nodes } = this.#options;
    const random = this.#options.random.fork(name);
    const strike = { name, parameters: plan.parameters, seed: random.fork('strike').seed, signal };
    if (plan.groups !== undefined) return { ...strike, nodes, groups: divide(plan.groups, nodes.length, random) };
    const observer = OBSERVERS.find((name) => name === plan.target);
    if (plan.kind === 'silence') return observer && { ...strike, nodes: [], observer };
    const deadline = clock.now() + TARGET_PATIENCE_MS;
    for (;;) {
      const targets = await chooseTargets(plan.target, nodes, random);
      if (targets.length > 0) return { ...strike, nodes: targets };
      if (clock.now() >= deadline) return undefined;
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
    const { clock, nodes, probed } = this.#options;
    if (!probed) return true;
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

/** Which nodes it is, as a record says it. */
function whom({ nodes, groups, observer }: Omit<Strike, 'struck'>): Partial<FaultRecord> {
  if (observer !== undefined) return {};
  if (groups !== undefined) return { groups };
  return nodes.length === 1 ? { node: nodes[0]!.index } : { nodes: nodes.map((node) => node.index) };
}

/** Reasons for which a run cannot be concluded: what the scenario promised and did not happen. */
export function brokenPromises(outcomes: readonly FaultRecord[]): string[] {
  return [...outcomes.flatMap((outcome) => brokenPromise(outcome, outcomes)), ...tooFew(outcomes)];
}

function brokenPromise(outcome: FaultRecord, outcomes: readonly FaultRecord[]): string[] {
  const { injection, kind, target, injectedAt, healedAt, recoveredAt, error, healthBefore } = outcome;
  const fault = `fault "${injectionName(outcome)}"`;
  if (error !== undefined) return [`${fault} (${kind} ${target}) ${error}`];
  // Those of a repeated fault are counted together.
  if (injectedAt === undefined) return injection === undefined ? [`${fault} was never injected`] : [];
  if (healedAt === undefined) return [`${fault} was never healed`];
  if (!isWhole(healthBefore) && !outcomes.some((other) => other !== outcome && inForce(other, injectedAt)))
    return [`${fault} struck a cluster of which only ${healthBefore} nodes were ready`];
  // Whether it would have in time is not known: a run that ends before the objective `recovery` is over sees no alert for it.
  return recoveredAt === undefined ? [`${fault} was healed, but the run ended before the system had recovered`] : [];
}

function tooFew(outcomes: readonly FaultRecord[]): string[] {
  const repeated = Map.groupBy(
    outcomes.filter(({ injection }) => injection !== undefined),
    ({ name }) => name,
  );
  return [...repeated].flatMap(([name, injections]) => {
    const injected = injections.filter(({ injectedAt }) => injectedAt !== undefined).length;
    if (injected === injections.length) return [];
    const late = injections.filter(({ lateMs }) => lateMs !== undefined).length;
    const why = late === 0 ? '' : `; ${late} were late, because the system had not recovered from the one before`;
    return [`fault "${name}" was injected ${injected} times of ${injections.length}${why}`];
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
