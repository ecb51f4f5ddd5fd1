import { describe, expect, test } from '@jest/globals';
import { Prng } from '../../kit/prng.ts';
import type { NodeFaultSet, SystemManifest } from '../../kit/system.ts';
import type { FaultRecord } from '../run/record.ts';
import type { FaultPlan } from '../scenario/types.ts';
import type { Clock } from './clock.ts';
import { createFaults } from './kinds.ts';
import { brokenPromises, FaultScheduler, type ScheduledNode } from './scheduler.ts';
import type { Faults } from './types.ts';

/** Time moves only when everybody waits. */
class FakeClock implements Clock {
  #now = 1000;
  #waiting: { at: number; wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }

  async until(at: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (at <= this.#now) return;
    await new Promise<void>((resolve, reject) => {
      this.#waiting.push({ at, wake: resolve });
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  }

  /** Lets `work` run to its end, moving to the next moment whenever nothing else is left to do. */
  async drive<T>(work: Promise<T>, at: Record<number, () => void> = {}): Promise<T> {
    let done = false;
    const finished = work.finally(() => {
      done = true;
    });
    finished.catch(() => undefined);
    while (!done) {
      await new Promise(setImmediate);
      if (done || this.#waiting.length === 0) continue;
      const events = Object.keys(at)
        .map(Number)
        .filter((time) => time > this.#now);
      const next = Math.min(...this.#waiting.map((waiter) => waiter.at), ...events);
      this.#now = next;
      at[next]?.();
      const due = this.#waiting.filter((waiter) => waiter.at <= next);
      this.#waiting = this.#waiting.filter((waiter) => waiter.at > next);
      for (const waiter of due) waiter.wake();
    }
    return finished;
  }
}

/** A cluster of three in which a majority elects a leader 600 ms after it lost one, and a started node is ready 900 ms later. */
class FakeCluster {
  readonly nodes: FakeNode[];
  leader = 1;
  readonly clock: Clock;
  leaderlessUntil = 0;

  constructor(clock: Clock) {
    this.clock = clock;
    this.nodes = [0, 1, 2].map((index) => new FakeNode(index, this));
  }

  get serving(): boolean {
    return (
      this.clock.now() >= this.leaderlessUntil && this.nodes.filter((node) => node.state === 'running').length >= 2
    );
  }

  lost(index: number): void {
    if (index !== this.leader) return;
    this.leader = (index + 1) % 3;
    this.leaderlessUntil = this.clock.now() + 600;
  }
}

class FakeNode implements ScheduledNode {
  readonly index: number;
  readonly url = 'http://node';
  readonly log: string[] = [];
  state: 'stopped' | 'running' | 'paused' = 'running';
  failsToStart = false;
  readyAt = 0;
  readonly #cluster: FakeCluster;

  constructor(index: number, cluster: FakeCluster) {
    this.index = index;
    this.#cluster = cluster;
  }

  async start(): Promise<void> {
    if (this.failsToStart) throw new Error('no space left');
    this.#set('running', 'start');
    this.readyAt = this.#cluster.clock.now() + 900;
  }
  async kill(): Promise<void> {
    this.#set('stopped', 'kill');
    this.#cluster.lost(this.index);
  }
  async terminate(): Promise<void> {
    this.#set('stopped', 'terminate');
  }
  async pause(): Promise<void> {
    this.#set('paused', 'pause');
    this.#cluster.lost(this.index);
  }
  resume(): void {
    this.#set('running', 'resume');
  }
  async endsWithin(): Promise<undefined> {
    return undefined;
  }
  async rejoin(): Promise<void> {}
  upgrade(): void {
    this.log.push('upgrade');
  }
  async operate(name: string): Promise<void> {
    this.log.push(name);
  }
  async applyFaults(set: NodeFaultSet): Promise<NodeFaultSet> {
    return set;
  }
  async hasRole(role: string): Promise<boolean> {
    return role === 'leader' && this.#cluster.serving && this.#cluster.leader === this.index;
  }
  async isReady(): Promise<boolean> {
    return this.state === 'running' && this.#cluster.clock.now() >= this.readyAt;
  }
  async serves(): Promise<boolean> {
    return this.state === 'running' && this.#cluster.serving;
  }
  #set(state: 'stopped' | 'running' | 'paused', word: string): void {
    this.state = state;
    this.log.push(`${this.#cluster.clock.now()} ${word}`);
  }
}

const plan = (change: Partial<FaultPlan> = {}): FaultPlan => ({
  name: 'dies',
  kind: 'kill',
  target: 'leader',
  atMs: 5000,
  healAfterMs: 3000,
  parameters: {},
  ...change,
});

function setUp(plans: readonly FaultPlan[], change: (faults: Faults, clock: Clock) => Partial<Faults> = () => ({})) {
  const clock = new FakeClock();
  const cluster = new FakeCluster(clock);
  const changes: FaultRecord[] = [];
  const faults = createFaults({
    manifest: { name: 'kv', faults: ['kill', 'pause', 'restart'] } as unknown as SystemManifest,
    nodesObey: false,
    remedy: { links: 'no links', nodes: 'no token' },
  });
  const scheduler = new FaultScheduler({
    plans,
    nodes: cluster.nodes,
    faults: { ...faults, ...change(faults, clock) },
    clock,
    random: new Prng(7),
    probed: true,
    onChange: (outcome) => changes.push(outcome),
  });
  const abort = new AbortController();
  const run = () => scheduler.run({ loadStartedAt: clock.now(), loadEndsAt: 50_000, giveUpAt: 60_000 }, abort.signal);
  return { clock, cluster, scheduler, changes, abort, run };
}

describe('the schedule of faults', () => {
  test('kills the leader on the clock of the load, starts it again, and measures both recoveries', async () => {
    const { clock, cluster, scheduler, run } = setUp([plan()]);
    await clock.drive(run());
    expect(cluster.nodes[1]!.log).toEqual(['6000 kill', '9000 start']);
    expect(scheduler.outcomes).toEqual([
      {
        ...{ name: 'dies', kind: 'kill', target: 'leader', node: 1 },
        ...{ injectedAt: 6000, serviceRecoveredAt: 6600, healedAt: 9000, recoveredAt: 9900 },
        ...{ healthBefore: '3/3', healthAfter: '3/3' },
      },
    ]);
    expect(brokenPromises(scheduler.outcomes)).toEqual([]);
  });

  test('pauses and wakes', async () => {
    const { clock, cluster, run } = setUp([plan({ kind: 'pause', target: 'node:2' })]);
    await clock.drive(run());
    expect(cluster.nodes[2]!.log).toEqual(['6000 pause', '9000 resume']);
  });

  test('restarts by SIGTERM', async () => {
    const { clock, cluster, run } = setUp([plan({ kind: 'restart', target: 'node:0' })]);
    await clock.drive(run());
    expect(cluster.nodes[0]!.log).toEqual(['6000 terminate', '9000 start']);
  });

  test('a follower is a node that does not lead, and the seed chooses it', async () => {
    const chosen = [];
    for (let repetition = 0; repetition < 2; repetition += 1) {
      const { clock, scheduler, run } = setUp([plan({ target: 'follower' })]);
      await clock.drive(run());
      chosen.push(scheduler.outcomes[0]!.node);
    }
    expect(chosen[0]).toBe(chosen[1]);
    expect([0, 2]).toContain(chosen[0]);
  });

  test('waits for a leader to kill while there is none', async () => {
    const { clock, cluster, scheduler, run } = setUp([plan()]);
    cluster.leaderlessUntil = 7000;
    await clock.drive(run());
    expect(scheduler.outcomes[0]).toMatchObject({ injectedAt: 7000, healedAt: 10_000 });
  });

  test('a target that does not exist is a broken promise, and the run goes on', async () => {
    const { clock, cluster, scheduler, run } = setUp([plan()]);
    cluster.leaderlessUntil = 50_000;
    await clock.drive(run());
    expect(brokenPromises(scheduler.outcomes)).toEqual(['fault "dies" (kill leader) no running node was "leader"']);
  });

  test('a node that does not start again is a broken promise', async () => {
    const { clock, cluster, scheduler, run } = setUp([plan()]);
    cluster.nodes[1]!.failsToStart = true;
    await clock.drive(run());
    expect(brokenPromises(scheduler.outcomes)[0]).toContain('could not be healed: no space left');
    expect(scheduler.outcomes[0]).toMatchObject({ healthAfter: '2/3' });
  });

  test('a system that has not recovered when the run ends is a broken promise', async () => {
    const { clock, cluster, scheduler, run } = setUp([plan()]);
    await clock.drive(run(), { 9500: () => void cluster.nodes[2]!.kill() });
    expect(brokenPromises(scheduler.outcomes)).toEqual([
      'fault "dies" was healed, but the run ended before the system had recovered',
    ]);
  });

  test('a fault into a cluster that had not recovered from nothing known is a broken promise', async () => {
    const { clock, cluster, scheduler, run } = setUp([plan()]);
    cluster.nodes[0]!.state = 'stopped';
    await clock.drive(run());
    expect(brokenPromises(scheduler.outcomes)).toEqual([
      'fault "dies" struck a cluster of which only 2/3 nodes were ready',
    ]);
  });

  test('faults may overlap', async () => {
    const second = plan({ name: 'sleeps', kind: 'pause', target: 'node:0', atMs: 6000, healAfterMs: 1000 });
    const { clock, scheduler, run } = setUp([plan(), second]);
    await clock.drive(run());
    expect(scheduler.outcomes.map(({ injectedAt, healedAt }) => [injectedAt, healedAt])).toEqual([
      [6000, 9000],
      [7000, 8000],
    ]);
    // With two of three gone nobody is served until one is back.
    expect(scheduler.outcomes[1]!.serviceRecoveredAt).toBe(8000);
    expect(brokenPromises(scheduler.outcomes)).toEqual([]);
  });

  test('an abort leaves what is in force to be healed, and plans nothing more', async () => {
    const later = plan({ name: 'later', target: 'node:0', atMs: 20_000 });
    const { clock, cluster, scheduler, abort, run } = setUp([plan({ kind: 'pause' }), later]);
    await expect(clock.drive(run(), { 7000: () => abort.abort(new Error('interrupted')) })).rejects.toThrow(
      'interrupted',
    );
    expect(cluster.nodes[1]!.state).toBe('paused');
    await scheduler.healAll();
    expect(cluster.nodes[1]!.log).toEqual(['6000 pause', '7000 resume']);
    expect(cluster.nodes[0]!.log).toEqual([]);
    expect(brokenPromises(scheduler.outcomes)).toEqual([
      'fault "dies" was healed, but the run ended before the system had recovered',
      'fault "later" was never injected',
    ]);
  });

  describe('more than once', () => {
    const repeated = { name: 'dies', target: 'any', healAfterMs: 1000, repeat: { everyMs: 4000, count: 3 } };

    test('each injection has an outcome of its own under the common name', async () => {
      const { clock, scheduler, run } = setUp([plan(repeated)]);
      await clock.drive(run());
      expect(scheduler.outcomes.map(({ name, injection, injectedAt }) => [name, injection, injectedAt])).toEqual([
        ['dies', 1, 6000],
        ['dies', 2, 10_000],
        ['dies', 3, 14_000],
      ]);
      expect(brokenPromises(scheduler.outcomes)).toEqual([]);
    });

    test('the next one waits for the recovery from the one before, and is late', async () => {
      const { clock, cluster, scheduler, run } = setUp([plan(repeated)]);
      const other = cluster.nodes.find((node) => node.index !== 1)!;
      other.readyAt = 12_000;
      const health = { healthBefore: '2/3' };
      await clock.drive(run());
      expect(scheduler.outcomes.map(({ injectedAt, lateMs }) => [injectedAt, lateMs])).toEqual([
        [6000, undefined],
        [12_000, 2000],
        [14_000, undefined],
      ]);
      expect(scheduler.outcomes[0]).toMatchObject(health);
    });

    test('one that the load would not cover is not injected, and fewer than promised is a broken promise', async () => {
      const { clock, cluster, scheduler, run } = setUp([plan({ ...repeated, target: 'node:0' })]);
      cluster.nodes[2]!.readyAt = 49_500;
      await clock.drive(run());
      expect(scheduler.outcomes.filter(({ injectedAt }) => injectedAt !== undefined)).toHaveLength(1);
      expect(brokenPromises(scheduler.outcomes)).toContain('fault "dies" was injected 1 times of 3');
    });
  });

  test('all and followers are struck at once, and healed together', async () => {
    const { clock, cluster, scheduler, run } = setUp([
      plan({ name: 'all-die', target: 'all' }),
      plan({ name: 'two-sleep', kind: 'pause', target: 'followers', atMs: 20_000 }),
    ]);
    await clock.drive(run());
    expect(scheduler.outcomes.map(({ nodes }) => nodes)).toEqual([[0, 1, 2], expect.any(Array)]);
    expect(scheduler.outcomes[1]!.nodes).toHaveLength(2);
    expect(cluster.nodes.every(({ log }) => log[0] === '6000 kill' && log[1] === '9000 start')).toBe(true);
    expect(brokenPromises(scheduler.outcomes)).toEqual([]);
  });

  test('the recovery counts from the blow, not from when the fault was sure of it', async () => {
    const thorough = (faults: Faults, clock: Clock): Partial<Faults> => ({
      kill: {
        ...faults.kill,
        async inject(strike) {
          const heal = await faults.kill.inject(strike);
          strike.struck();
          await clock.until(clock.now() + 2000);
          return heal;
        },
      },
    });
    const { clock, scheduler, run } = setUp([plan()], thorough);
    await clock.drive(run());
    expect(scheduler.outcomes[0]).toMatchObject({ injectedAt: 6000, serviceRecoveredAt: 6600, healedAt: 9000 });
  });

  test('a fault that is not available here is a broken promise that says why', async () => {
    const { clock, scheduler, run } = setUp([plan({ kind: 'slow_fsync', target: 'node:0' })]);
    await clock.drive(run());
    expect(brokenPromises(scheduler.outcomes)).toEqual([
      'fault "dies" (slow_fsync node:0) not available here: kv has no fault "slow_fsync"',
    ]);
  });
});
