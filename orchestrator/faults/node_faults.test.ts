import { describe, expect, test } from '@jest/globals';
import type { NodeFaultKind, NodeFaultSet } from '../../kit/system.ts';
import type { FaultParameters } from '../scenario/types.ts';
import { mergeParts, NodeFaultDesk, nodeFaults, partOf } from './node_faults.ts';
import { processFaults } from './process.ts';
import type { FaultNode } from './types.ts';

/** A node that obeys as long as it runs, forgets everything when it ends, and dies of a torn write. */
class ObedientNode implements FaultNode {
  readonly index = 1;
  readonly url = 'http://node';
  state: 'stopped' | 'running' | 'paused' = 'running';
  set: NodeFaultSet = {};
  deaf = false;
  answersLater = false;
  toleratesDamage = false;
  isIdle = false;
  readonly log: string[] = [];

  async start(): Promise<void> {
    this.state = 'running';
    this.set = {};
    this.log.push('start');
  }
  async kill(): Promise<void> {
    this.state = 'stopped';
  }
  async terminate(): Promise<void> {
    this.state = 'stopped';
  }
  async pause(): Promise<void> {
    this.state = 'paused';
  }
  resume(): void {
    this.state = 'running';
  }
  async endsWithin(): Promise<string | undefined> {
    await null;
    const dies =
      (this.set.disk?.torn_write === true && !this.isIdle) || (this.log.at(-1) === 'start' && !this.toleratesDamage);
    if (!dies) return undefined;
    this.state = 'stopped';
    return 'exit code 4';
  }
  async rejoin(): Promise<void> {
    this.log.push('rejoin');
    this.state = 'running';
    this.set = {};
  }
  upgrade(): void {}
  async operate(): Promise<void> {}
  async applyFaults(set: NodeFaultSet): Promise<NodeFaultSet> {
    if (this.state !== 'running') throw new Error('nobody answers');
    if (!this.deaf) this.set = set;
    // The answer says what is in force when it is written, which is later.
    if (this.answersLater) await null;
    return this.set;
  }
}

function setUp() {
  const node = new ObedientNode();
  const desk = new NodeFaultDesk();
  const faults = { ...nodeFaults({ desk, available: () => true }), ...processFaults(desk) };
  const inject = (kind: keyof typeof faults, name: string = kind, parameters: FaultParameters = {}) =>
    faults[kind].inject({
      name,
      nodes: [node],
      parameters,
      seed: 1,
      signal: new AbortController().signal,
      struck: () => {},
    });
  return { node, inject };
}

describe('what nodes are told', () => {
  test.each<[NodeFaultKind, FaultParameters, NodeFaultSet]>([
    ['message_loss', { probability: 0.05 }, { messages: { loss: 0.05 } }],
    ['message_duplication', { probability: 0.05 }, { messages: { duplicate: 0.05 } }],
    ['message_reordering', { probability: 0.05 }, { messages: { reorder: 0.05 } }],
    ['disk_full', {}, { disk: { full: true } }],
    ['slow_fsync', { delayMs: 200 }, { disk: { slow_fsync_ms: 200, slow_fsync_probability: 1 } }],
    ['lying_fsync', {}, { disk: { lie_about_fsync: 'skip' } }],
    ['clock_skew', { offsetMs: -5000 }, { clock: { skew_ms: -5000 } }],
    ['clock_skew', { rate: 1.5 }, { clock: { rate: 1.5 } }],
    ['misbehave', { as: 'stale-reads' }, { misbehaviour: ['stale-reads'] }],
  ])('%s %j', async (kind, parameters, expected) => {
    const { node, inject } = setUp();
    const heal = await inject(kind, 'f', parameters);
    expect(node.set).toEqual(expected);
    await heal();
    expect(node.set).toEqual({});
  });

  test('parts are merged: the worst share, the sum of skews, the product of rates, every misbehaviour once', () => {
    expect(
      mergeParts([
        partOf('message_loss', { probability: 0.1 }),
        partOf('message_loss', { probability: 0.05 }),
        partOf('message_reordering', { probability: 0.2 }),
        partOf('clock_skew', { offsetMs: 300, rate: 2 }),
        partOf('clock_skew', { offsetMs: -100, rate: 1.5 }),
        partOf('misbehave', { as: 'a' }),
        partOf('misbehave', { as: 'b' }),
        partOf('misbehave', { as: 'a' }),
        partOf('disk_full', {}),
      ]),
    ).toEqual({
      messages: { loss: 0.1, reorder: 0.2 },
      clock: { skew_ms: 200, rate: 3 },
      misbehaviour: ['a', 'b'],
      disk: { full: true },
    });
  });

  test('faults overlap, and the heal of one leaves the other', async () => {
    const { node, inject } = setUp();
    const slow = await inject('slow_fsync', 'slow', { delayMs: 10 });
    const lossy = await inject('message_loss', 'lossy', { probability: 0.1 });
    await slow();
    expect(node.set).toEqual({ messages: { loss: 0.1 } });
    await lossy();
    expect(node.set).toEqual({});
  });

  test('several faults injected and healed at one moment do not read back what another one said', async () => {
    const { node, inject } = setUp();
    node.answersLater = true;
    const misbehave = (as: string) => inject('misbehave', as, { as });
    const heals = await Promise.all(['skip-apply', 'acknowledge-early', 'forget-idempotency'].map(misbehave));
    expect(node.set.misbehaviour?.toSorted()).toEqual(['acknowledge-early', 'forget-idempotency', 'skip-apply']);
    await Promise.all(heals.map((heal) => heal()));
    expect(node.set).toEqual({});
  });

  test('a node that was killed and started is told again; one that was healed meanwhile is not', async () => {
    const { node, inject } = setUp();
    const full = await inject('disk_full');
    const lossy = await inject('message_loss', 'lossy', { probability: 0.1 });
    const dead = await inject('kill');
    await lossy();
    await dead();
    expect(node.set).toEqual({ disk: { full: true } });
    await full();
    expect(node.set).toEqual({});
  });

  test('a heal while the node stands still is made good when it is woken', async () => {
    const { node, inject } = setUp();
    const full = await inject('disk_full');
    const asleep = await inject('pause');
    await full();
    expect(node.set).toEqual({ disk: { full: true } });
    await asleep();
    expect(node.set).toEqual({});
  });

  test('a node that does not do as it is told is no fault in force', async () => {
    const { node, inject } = setUp();
    node.deaf = true;
    await expect(inject('disk_full')).rejects.toThrow('node 1 was told {"disk":{"full":true}} and has {}');
    node.deaf = false;
    await inject('lying_fsync');
    expect(node.set).toEqual({ disk: { lie_about_fsync: 'skip' } });
  });

  test('a heal that the node does not follow is an error', async () => {
    const { node, inject } = setUp();
    const heal = await inject('disk_full');
    node.deaf = true;
    await expect(heal()).rejects.toThrow('node 1 was told {} and has {"disk":{"full":true}}');
  });

  test('a torn write is in force when the process has died of it; the heal starts it again', async () => {
    const { node, inject } = setUp();
    const heal = await inject('torn_write');
    expect(node.state).toBe('stopped');
    await heal();
    expect({ state: node.state, set: node.set }).toEqual({ state: 'running', set: {} });
  });

  test('a node that writes nothing tears nothing: told by a code, and nothing is in force', async () => {
    const { node, inject } = setUp();
    node.isIdle = true;
    await expect(inject('torn_write')).rejects.toMatchObject({
      code: 'FAULT_NOT_IN_FORCE',
      message: expect.stringContaining('node 1 wrote nothing'),
    });
    expect({ state: node.state, set: node.set }).toEqual({ state: 'running', set: {} });
  });

  test('a flipped bit is in force when the node refuses its log; the heal brings in an empty one', async () => {
    const { node, inject } = setUp();
    const heal = await inject('flipped_bit');
    expect(node.state).toBe('stopped');
    await heal();
    expect(node.log).toEqual(['start', 'rejoin']);
  });

  test('a node that goes on with a damaged log is an error, and nothing is in force', async () => {
    const { node, inject } = setUp();
    node.toleratesDamage = true;
    await expect(inject('flipped_bit')).rejects.toThrow('node 1 runs on a log in which a bit was flipped');
    expect(node.state).toBe('running');
  });
});
