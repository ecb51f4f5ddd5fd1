import { expect, test } from '@jest/globals';
import { createLogger } from '../../../kit/logger.ts';
import { createMetrics } from '../../../kit/metrics.ts';
import { createKvMetrics } from '../metrics.ts';
import { MemoryDisk } from '../storage/memory-disk.ts';
import { openStorage } from '../storage/storage.ts';
import { UNDECORATED } from './decorators.ts';
import { DiskSpace } from './disk-space.ts';
import { Member } from './member.ts';
import { RaftJournal } from './raft-journal.ts';

async function start(raft: { electionTicks: number; heartbeatTicks: number }, rested: () => number) {
  const disk = new MemoryDisk();
  const logger = createLogger({ level: 'silent', bindings: {} });
  const metrics = createKvMetrics(
    createMetrics({ info: { system: 'kv', node: '0', version: 'test' }, runtime: false }),
  );
  const storage = await openStorage(disk, '/node', {
    clusterId: 'c',
    nodeId: 0,
    segmentBytes: 1_000_000,
    keptEntries: 10,
    newInstanceId: () => 'a',
  });
  const addresses = { 0: '127.0.0.1:1/2#a', 1: '127.0.0.1:3/4#b' };
  const member = await Member.start(
    {
      raft: {
        ...raft,
        appendBytesMax: 1000,
        appendsInflightMax: 4,
        uncommittedBytesMax: 1000,
        snapshotChunkBytes: 1000,
        preVote: true,
        checkQuorum: true,
        entriesKeptAfterSnapshot: 10,
      },
      membership: { voters: [0, 1], votersOutgoing: [], learners: [], retired: [], addresses },
      snapshotEntries: 1000,
      snapshotBytes: 1_000_000,
      seed: 1,
      now: () => performance.now(),
    },
    {
      storage,
      transport: { send: (_, messages) => messages },
      space: new DiskSpace(disk, '/node', 0),
      metrics,
      logger,
      journal: new RaftJournal(metrics, logger),
      decorators: UNDECORATED,
      onMembership: () => {},
      rested,
      onTurn: () => {},
      onFailure: () => {},
    },
  );
  const close = async () => {
    await member.close();
    await storage.wal.close();
  };
  return { member, close };
}

test('whoever waits for a change of members or for an order is answered when the node stops', async () => {
  const { member, close } = await start({ electionTicks: 10, heartbeatTicks: 1 }, () => 0);
  const waiting = [
    member.changeMembership({ type: 'changeVoters', promote: [], remove: [1] }),
    member.order({ type: 'transferLeadership', to: 1 }),
  ];
  const answers = Promise.allSettled(waiting);
  member.stop();
  for (const answer of await answers) {
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'SHUTTING_DOWN', definite: false } });
  }
  await close();
});

test('a follower counts the ticks that it slept through before the heartbeat that ended its sleep', async () => {
  let rest = 1;
  const { member, close } = await start({ electionTicks: 5, heartbeatTicks: 4 }, () => {
    const rested = rest - 1;
    rest = 1;
    return rested;
  });
  const sender = { durableIndex: 0, quorumDurableIndex: 0, storageFull: false, checkpoint: null };
  const heartbeat = { type: 'heartbeat', from: 1, to: 0, term: 1, leaderCommit: 0, readRound: 0 } as const;
  for (let i = 0; i < 50; i++) {
    member.receive({ from: 1, sender, messages: [heartbeat] });
    member.tick();
    await new Promise((resolve) => setImmediate(resolve));
    expect(member.leader).toBe(1);
    rest = Math.min(5, member.restTicks);
  }
  expect(rest).toBeGreaterThanOrEqual(4);
  await close();
});
