import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { expect, test } from '@jest/globals';
import type { Entry, SnapshotMeta } from '../core/raft/types.ts';
import { DirectoryLock } from './lock.ts';
import { MemoryDisk } from './memory-disk.ts';
import { openStorage } from './storage.ts';

const OPTIONS = {
  clusterId: 'cluster-a',
  nodeId: 1,
  segmentBytes: 300,
  keptEntries: 0,
  newInstanceId: () => 'instance-1',
};

function entry(index: number, term = 1): Entry {
  return { index, term, kind: 'command', data: new Uint8Array([index]) };
}

function meta(index: number, term: number): SnapshotMeta {
  return {
    index,
    term,
    size: 0,
    membership: { voters: [1], votersOutgoing: [], learners: [], retired: [], addresses: {} },
  };
}

const open = (disk: MemoryDisk, options = OPTIONS) => openStorage(disk, '/node', options);

test('an empty directory gets an identity and nothing to restore; it keeps the identity', async () => {
  const disk = new MemoryDisk();
  const first = await open(disk);
  expect(first.restored).toBeNull();
  const again = await open(disk.crash(), { ...OPTIONS, newInstanceId: () => 'other' });
  expect(again.identity).toEqual({ ...first.identity, incarnation: 2 });
  expect(again.identity.instanceId).toBe('instance-1');
});

test('the directory of another node, cluster or a lost meta.json is refused', async () => {
  const disk = new MemoryDisk();
  const { wal } = await open(disk);
  await wal.append([{ hardState: null, entries: [entry(1)] }]);
  await expect(open(disk, { ...OPTIONS, nodeId: 2 })).rejects.toThrow('/node belongs to node 1, this is node 2');
  await expect(open(disk, { ...OPTIONS, clusterId: 'cluster-b' })).rejects.toThrow('belongs to cluster cluster-a');
  await disk.remove('/node/meta.json');
  await expect(open(disk)).rejects.toThrow('it is missing, but a log exists');
});

test('a snapshot of this node: the entries that follow it are restored', async () => {
  const disk = new MemoryDisk();
  const { wal, snapshots } = await open(disk);
  await wal.append([{ hardState: { term: 1, vote: 1, commit: 3 }, entries: [entry(1), entry(2), entry(3)] }]);
  await snapshots.create(meta(2, 1), []);
  const { restored } = await open(disk.crash());
  expect(restored).toMatchObject({
    hardState: { term: 1, vote: 1, commit: 3 },
    snapshot: meta(2, 1),
    entries: [entry(3)],
  });
});

test('a snapshot of the leader that the log does not contain empties the log, also when the crash came in between', async () => {
  const disk = new MemoryDisk();
  const { wal, snapshots } = await open(disk);
  await wal.append([{ hardState: { term: 1, vote: null, commit: 1 }, entries: [entry(1), entry(2), entry(3)] }]);
  await snapshots.create(meta(2, 5), []);
  const crashed = disk.crash();
  const second = await open(crashed);
  expect(second.restored).toMatchObject({ snapshot: meta(2, 5), entries: [], hardState: { commit: 1 } });
  await second.wal.append([{ hardState: null, entries: [entry(3, 5)] }]);
  const third = await open(crashed.crash());
  expect(third.restored?.entries).toEqual([entry(3, 5)]);
});

test('a log that does not reach back to the snapshot is refused', async () => {
  const disk = new MemoryDisk();
  const { wal, snapshots } = await open(disk);
  for (let index = 1; index <= 60; index++) await wal.append([{ hardState: null, entries: [entry(index)] }]);
  await snapshots.create(meta(50, 1), []);
  await wal.compact(50);
  const [snapshot] = await disk.list('/node/snapshots');
  expect((await open(disk)).restored?.entries.map((it) => it.index)).toEqual(
    Array.from({ length: 10 }, (_, i) => i + 51),
  );
  await disk.remove(`/node/snapshots/${snapshot}`);
  await expect(open(disk)).rejects.toThrow('there is no snapshot of what came before');
});

test('a directory has one user at a time', async () => {
  const directory = await mkdtemp(`${tmpdir()}/gameday-lock-`);
  const lock = await DirectoryLock.acquire(directory);
  await expect(DirectoryLock.acquire(directory)).rejects.toThrow(`${directory} is in use by process ${process.pid}`);
  await lock.release();
  await (await DirectoryLock.acquire(directory)).release();
  await rm(directory, { recursive: true });
});
