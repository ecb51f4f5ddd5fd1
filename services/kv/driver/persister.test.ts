import { beforeEach, expect, test } from '@jest/globals';
import type { Entry, Message, Persist } from '../core/raft/types.ts';
import { MemoryDisk } from '../storage/memory-disk.ts';
import { openStorage, type Storage } from '../storage/storage.ts';
import { Persister } from './persister.ts';

const OPTIONS = { clusterId: 'c', nodeId: 0, segmentBytes: 1e6, keptEntries: 0, newInstanceId: () => 'i' };

let disk: MemoryDisk;
let storage: Storage;
let persister: Persister;
let log: string[];
let gate: { wait: Promise<void>; open: () => void } | null;

beforeEach(async () => {
  log = [];
  gate = null;
  disk = new MemoryDisk(async (operation, path) => {
    if (operation !== 'datasync' || !path.endsWith('.wal')) return;
    await gate?.wait;
    log.push('synced');
  });
  storage = await openStorage(disk, '/node', OPTIONS);
  persister = new Persister(storage.wal, storage.snapshots, {
    persisted: (number, messages) => log.push(`persisted ${number}, sends ${messages.length}`),
    synced: (records) => log.push(`${records} records`),
    diskFull: (full) => log.push(full ? 'full' : 'space'),
    failed: (error) => log.push(`failed: ${error.message}`),
  });
});

function closeGate(): void {
  let open = () => {};
  const wait = new Promise<void>((resolve) => {
    open = resolve;
  });
  gate = { wait, open };
}

const message: Message = { type: 'vote', from: 0, to: 1, term: 1, pre: false, granted: true };

function record(
  number: number,
  entries: Entry[] = [{ index: number, term: 1, kind: 'command', data: new Uint8Array(3) }],
): Persist {
  return { number, hardState: null, entries, snapshotWrite: null, thenSend: [message] };
}

const until = async (line: string) => {
  const deadline = performance.now() + 3000;
  while (!log.includes(line)) {
    if (performance.now() > deadline) throw new Error(`${line} never came: ${log}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

/** Whatever was due has happened: many turns of the event loop. */
const turns = async () => {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
};

test('records that come while one fdatasync runs share the next; nothing is sent before its own', async () => {
  persister.push(record(1));
  await until('persisted 1, sends 1');
  log.length = 0;
  closeGate();
  for (const number of [2, 3, 4, 5]) persister.push(record(number));
  await turns();
  expect(log).toEqual([]);
  gate!.open();
  gate = null;
  await until('persisted 5, sends 3');
  expect(log).toEqual(['synced', '1 records', 'persisted 2, sends 1', 'synced', '3 records', 'persisted 5, sends 3']);
});

test('a record with nothing to write waits for those before it, and costs no fdatasync', async () => {
  closeGate();
  persister.push(record(1));
  persister.push(record(2, []));
  await turns();
  expect(log).toEqual([]);
  gate!.open();
  await until('persisted 2, sends 1');
  expect(log.filter((line) => line === 'synced').length).toBe(2); // a new segment, and one group
});

test('a snapshot in between keeps its place: hard state before it, the log is empty after it', async () => {
  const snapshot = {
    index: 40,
    term: 3,
    size: 4,
    membership: { voters: [0], votersOutgoing: [], learners: [], retired: [], addresses: {} },
  };
  const data = new Uint8Array([1, 2, 3, 4]);
  persister.push(record(1));
  persister.push({ ...record(2, []), snapshotWrite: { snapshot, offset: 0, data: data.subarray(0, 2), done: false } });
  persister.push({
    ...record(3, []),
    hardState: { term: 3, vote: null, commit: 0 },
    snapshotWrite: { snapshot, offset: 2, data: data.subarray(2), done: true },
  });
  persister.push(record(4, [{ index: 41, term: 3, kind: 'noop', data: new Uint8Array() }]));
  await until('persisted 4, sends 1');
  const { restored } = await openStorage(disk.crash(), '/node', OPTIONS);
  expect(restored).toMatchObject({ snapshot, hardState: { term: 3 }, entries: [{ index: 41 }] });
});

test('a full disk holds everything up, and nothing is lost when there is space again', async () => {
  persister.push(record(1));
  await until('persisted 1, sends 1');
  disk.capacityBytes = 0;
  persister.push(record(2));
  await until('full');
  persister.push(record(3));
  expect(log).not.toContain('persisted 2, sends 1');
  disk.capacityBytes = 1e6;
  await until('persisted 3, sends 1');
  expect(log.indexOf('space')).toBeLessThan(log.indexOf('persisted 2, sends 1'));
});

test('a disk that turns out full while it closes does not hold up the end', async () => {
  persister.push(record(1));
  await until('persisted 1, sends 1');
  closeGate();
  persister.push(record(2));
  await turns();
  persister.push(record(3));
  const closing = persister.close();
  disk.capacityBytes = 0;
  gate!.open();
  await closing;
  expect(log).toContain('persisted 2, sends 1');
  expect(log).not.toContain('persisted 3, sends 1');
});

test('any other failure stops it for good', async () => {
  disk = new MemoryDisk((operation) => {
    if (operation === 'datasync' && log.length > 0) throw new Error('EIO');
  });
  storage = await openStorage(disk, '/node', OPTIONS);
  persister = new Persister(storage.wal, storage.snapshots, {
    persisted: (number) => log.push(`persisted ${number}`),
    synced: () => {},
    diskFull: () => {},
    failed: (error) => log.push(`failed: ${error.message}`),
  });
  persister.push(record(1));
  await until('persisted 1');
  persister.push(record(2));
  persister.push(record(3));
  await until('failed: EIO');
  persister.push(record(4));
  await turns();
  expect(log).toEqual(['persisted 1', 'failed: EIO']);
});
