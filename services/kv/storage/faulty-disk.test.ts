import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Prng } from '../../../kit/prng.ts';
import { flipBit } from './bit-flip.ts';
import { FileSystemDisk } from './disk.ts';
import { DiskFullError, StorageCorruptError } from './errors.ts';
import { type DiskFaults, FaultyDisk } from './faulty-disk.ts';
import { WriteAheadLog } from './wal.ts';

const HEALTHY: DiskFaults = { full: false, slowFsyncMs: 0, slowFsyncProbability: 1, lie: null, tornWrite: false };
const OPTIONS = { clusterId: 'a', segmentBytes: 1024 * 1024 };

let directory: string;
let faults: DiskFaults;
let synced: number[];
let deaths: number;
let disk: FaultyDisk;

beforeEach(async () => {
  directory = await mkdtemp(`${tmpdir()}/gameday-disk-`);
  faults = HEALTHY;
  synced = [];
  deaths = 0;
  disk = new FaultyDisk({
    faults: () => faults,
    below: (observer) => new FileSystemDisk(observer),
    observer: { wrote: () => {}, synced: (_, seconds) => synced.push(seconds) },
    random: new Prng(1),
    die: () => {
      deaths += 1;
    },
  });
});
afterEach(() => rm(directory, { recursive: true }));

const open = async () => (await WriteAheadLog.open(disk, directory, OPTIONS)).log;
const put = (log: WriteAheadLog, index: number) =>
  log.append([
    { hardState: null, entries: [{ index, term: 1, kind: 'command', data: new Uint8Array(50).fill(index) }] },
  ]);
/** What another process would find on the disk now. */
async function onDisk() {
  const { log, replayed, tornBytes } = await WriteAheadLog.open(new FileSystemDisk(), directory, OPTIONS);
  await log.close();
  return { indexes: replayed.entries.map(({ index }) => index), tornBytes };
}

test('without faults it is the disk underneath', async () => {
  const log = await open();
  for (const index of [1, 2]) await put(log, index);
  expect(log.durableIndex()).toBe(2);
  expect(await onDisk()).toEqual({ indexes: [1, 2], tornBytes: 0 });
  await log.close();
});

test('full: nothing can be made or written, what is there stays whole, and it goes on when there is space', async () => {
  const log = await open();
  await put(log, 1);
  faults = { ...HEALTHY, full: true };
  await expect(put(log, 2)).rejects.toThrow(DiskFullError);
  await expect(disk.open(`${directory}/other`, 'create')).rejects.toMatchObject({ code: 'ENOSPC' });
  expect(await disk.freeBytes(directory)).toBe(0);
  expect(await onDisk()).toEqual({ indexes: [1], tornBytes: 0 });
  faults = HEALTHY;
  await put(log, 2);
  expect(await onDisk()).toEqual({ indexes: [1, 2], tornBytes: 0 });
  await log.close();
});

test('slow: an fdatasync takes as long as told, and the observer hears the truth; the share is a share', async () => {
  const log = await open();
  await put(log, 1);
  synced.length = 0;
  faults = { ...HEALTHY, slowFsyncMs: 30 };
  await put(log, 2);
  expect(synced).toHaveLength(1);
  expect(synced[0]).toBeGreaterThan(0.025);
  faults = { ...HEALTHY, slowFsyncMs: 10, slowFsyncProbability: 0.5 };
  for (let index = 3; index < 23; index++) await put(log, index);
  const slow = synced.slice(1).filter((seconds) => seconds > 0.009).length;
  expect(slow).toBeGreaterThan(2);
  expect(slow).toBeLessThan(18);
  await log.close();
});

describe('lying', () => {
  test('skip: nothing is reported, nothing counts as durable, and what was written dies with the process', async () => {
    const log = await open();
    await put(log, 1);
    const before = synced.length;
    faults = { ...HEALTHY, lie: 'skip' };
    for (const index of [2, 3]) await put(log, index);
    expect([synced.length, log.durableIndex()]).toEqual([before, 1]);
    expect(await onDisk()).toEqual({ indexes: [1], tornBytes: 0 });
    faults = HEALTHY;
    await put(log, 4);
    expect([synced.length, log.durableIndex()]).toEqual([before + 1, 4]);
    expect(await onDisk()).toEqual({ indexes: [1, 2, 3, 4], tornBytes: 0 });
    await log.close();
  });

  test('healed: all of it is made durable without another write, of files that were closed meanwhile too', async () => {
    const { log } = await WriteAheadLog.open(disk, directory, { ...OPTIONS, segmentBytes: 600 });
    await put(log, 1);
    faults = { ...HEALTHY, lie: 'skip' };
    for (let index = 2; index <= 20; index++) await put(log, index);
    expect(log.segmentCount).toBeGreaterThan(2);
    expect(log.durableIndex()).toBe(1);
    faults = HEALTHY;
    // The owner goes on writing while the disk is mended.
    await Promise.all([disk.settle(), put(log, 21)]);
    expect(log.durableIndex()).toBe(21);
    expect((await onDisk()).indexes).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
    await log.close();
  });

  test('healed while a file is being closed: it is made durable all the same', async () => {
    const path = `${directory}/1.wal`;
    const file = await disk.open(path, 'create');
    faults = { ...HEALTHY, lie: 'skip' };
    await file.append(Buffer.from('kept'));
    await file.datasync();
    expect([synced.length, file.syncedSize]).toEqual([0, 0]);
    faults = HEALTHY;
    await Promise.all([file.close(), disk.settle()]);
    expect([synced.length, file.syncedSize]).toEqual([1, 4]);
    expect(await readFile(path, 'utf8')).toBe('kept');
  });

  test('skip-some: every second fdatasync is made, and covers the one before', async () => {
    const log = await open();
    await put(log, 1);
    const before = synced.length;
    faults = { ...HEALTHY, lie: 'skip-some' };
    for (let index = 2; index < 12; index++) await put(log, index);
    expect(synced.length).toBe(before + 5);
    expect(log.durableIndex()).toBeGreaterThanOrEqual(10);
    await log.close();
  });

  test('skip-and-claim: counted and called durable, only faster than any call can be', async () => {
    const log = await open();
    await put(log, 1);
    synced.length = 0;
    faults = { ...HEALTHY, lie: 'skip-and-claim' };
    for (let index = 2; index < 12; index++) await put(log, index);
    expect([synced.length, log.durableIndex()]).toEqual([10, 11]);
    expect(synced.reduce((sum, seconds) => sum + seconds) / synced.length).toBeLessThan(0.000005);
    expect((await onDisk()).indexes).toEqual([1]);
    await log.close();
  });
});

test('torn: a write is cut short, the process dies of it, and the next start cuts the rest off', async () => {
  const log = await open();
  await put(log, 1);
  faults = { ...HEALTHY, tornWrite: true };
  let returned = false;
  void put(log, 2).then(() => {
    returned = true;
  });
  while (deaths === 0) await new Promise((resolve) => setImmediate(resolve));
  expect([returned, deaths]).toEqual([false, 1]);
  const found = await onDisk();
  expect(found.indexes).toEqual([1]);
  expect(found.tornBytes).toBeGreaterThan(0);
  await log.close();
});

describe('a flipped bit', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('is never taken for a write that was cut off (seed %d)', async (seed) => {
    const log = await open();
    for (const index of [1, 2, 3]) await put(log, index);
    const flipped = await flipBit(new FileSystemDisk(), directory, new Prng(seed));
    expect(flipped!.offset).toBeLessThan((await readFile(flipped!.path)).length);
    await expect(onDisk()).rejects.toThrow(StorageCorruptError);
    await log.close();
  });

  test('needs a record that another one follows', async () => {
    expect(await flipBit(new FileSystemDisk(), directory, new Prng(1))).toBeNull();
  });
});
