import { beforeEach, expect, test } from '@jest/globals';
import { Raft } from './raft.ts';
import { TestCluster } from './testing/cluster.ts';
import type { NodeId, Output } from './types.ts';

/** A driver may sleep for `ticksUntilDue` ticks: none but the last of them may have anything to do. */
const cores = new Map<NodeId, Raft>();
let cluster: TestCluster;

beforeEach(() => {
  cluster = new TestCluster([1, 2, 3], {
    make: (config, restored, random) => {
      const core = new Raft(config, restored, random);
      cores.set(config.id, core);
      return core;
    },
  });
  cluster.elect(1);
  cluster.settle();
});

function due(node: NodeId): number {
  return cores.get(node)!.ticksUntilDue();
}

function isNothing({ messages, persist, events }: Output): boolean {
  return messages.length === 0 && persist === null && events.length === 0;
}

/** Ticks until something happens, as it is without sleeping. */
function ticksToAction(node: NodeId): number {
  let ticks = 1;
  while (isNothing(cluster.step(node, { type: 'tick' }))) ticks += 1;
  return ticks;
}

test('a leader whose followers have everything sleeps until its next heartbeat', () => {
  cluster.step(1, { type: 'tick' });
  const expected = due(1);
  expect(expected).toBeLessThanOrEqual(cluster.config.heartbeatTicks);
  expect(ticksToAction(1)).toBe(expected);
});

test('a leader looks at every tick while a follower lacks something or is silent', () => {
  cluster.propose(1, 'a');
  expect(due(1)).toBe(1);
  cluster.settle();
  expect(due(1)).toBeGreaterThan(1);
  for (let i = 0; i <= 2 * cluster.config.heartbeatTicks; i++) cluster.step(1, { type: 'tick' });
  expect(due(1)).toBe(1);
});

test('a follower never sleeps past its election time-out', () => {
  const expected = due(2);
  expect(expected).toBeGreaterThan(cluster.config.heartbeatTicks);
  expect(ticksToAction(2)).toBe(expected);
  // It asks for votes now, and knows no leader.
  expect(due(2)).toBe(1);
});
