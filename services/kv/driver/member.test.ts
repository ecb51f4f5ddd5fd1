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

test('whoever waits for a change of members or for an order is answered when the node stops', async () => {
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
        electionTicks: 10,
        heartbeatTicks: 1,
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
      onFailure: () => {},
    },
  );
  const waiting = [
    member.changeMembership({ type: 'changeVoters', promote: [], remove: [1] }),
    member.order({ type: 'transferLeadership', to: 1 }),
  ];
  const answers = Promise.allSettled(waiting);
  member.stop();
  for (const answer of await answers) {
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'SHUTTING_DOWN', definite: false } });
  }
  await member.close();
  await storage.wal.close();
});
