import { describe, expect, test } from '@jest/globals';
import type { Entry, HardState } from '../core/raft/types.ts';
import { DataDirectoryError, DiskFullError, StorageCorruptError } from './errors.ts';
import { MemoryDisk } from './memory-disk.ts';
import { WriteAheadLog } from './wal.ts';

const DIRECTORY = '/node/wal';
const OPTIONS = { clusterId: 'cluster-a', segmentBytes: 1024 * 1024 };
const SMALL = { ...OPTIONS, segmentBytes: 400 };

function entry(index: number, term = 1, size = 20): Entry {
  return { index, term, kind: 'command', data: new Uint8Array(size).fill(index) };
}

function hardState(term: number, commit = 0): HardState {
  return { term, vote: 1, commit };
}

async function write(log: WriteAheadLog, ...entries: Entry[]): Promise<void> {
  await log.append([{ hardState: null, entries }]);
}

async function replayed(disk: MemoryDisk, options = OPTIONS) {
  const { log, replayed, tornBytes } = await WriteAheadLog.open(disk, DIRECTORY, options);
  await log.close();
  return { ...replayed, indexes: replayed.entries.map((it) => it.index), tornBytes };
}

/** A disk with one segment of three records. */
async function threeRecords(): Promise<{ disk: MemoryDisk; path: string; ends: number[] }> {
  const disk = new MemoryDisk();
  const { log } = await WriteAheadLog.open(disk, DIRECTORY, OPTIONS);
  const ends: number[] = [];
  for (const index of [1, 2, 3]) {
    await log.append([{ hardState: hardState(index), entries: [entry(index)] }]);
    ends.push(log.activeBytes);
  }
  return { disk, path: `${DIRECTORY}/0000000000000001.wal`, ends };
}

describe('replay', () => {
  test('gives back entries and hard state', async () => {
    const { disk } = await threeRecords();
    const found = await replayed(disk);
    expect(found.entries).toEqual([entry(1), entry(2), entry(3)]);
    expect(found.hardState).toEqual(hardState(3));
  });

  test('entries at or below the last one replace the suffix', async () => {
    const { disk } = await threeRecords();
    const { log } = await WriteAheadLog.open(disk, DIRECTORY, OPTIONS);
    await write(log, entry(2, 7));
    expect((await replayed(disk)).entries).toEqual([entry(1), entry(2, 7)]);
  });

  test('a reset empties the log, and it goes on after the snapshot', async () => {
    const { disk } = await threeRecords();
    const { log } = await WriteAheadLog.open(disk, DIRECTORY, OPTIONS);
    await log.append([{ hardState: null, entries: [], reset: { index: 90, term: 4 } }]);
    await write(log, entry(91, 4));
    expect((await replayed(disk)).indexes).toEqual([91]);
  });

  test('goes through many segments, and through what compaction left of them', async () => {
    const disk = new MemoryDisk();
    const { log } = await WriteAheadLog.open(disk, DIRECTORY, SMALL);
    await log.append([{ hardState: hardState(5, 3), entries: [] }]);
    for (let index = 1; index <= 40; index++) await write(log, entry(index));
    const segments = log.segmentCount;
    expect(segments).toBeGreaterThan(5);
    await log.compact(20);
    expect(log.segmentCount).toBeLessThan(segments);
    const found = await replayed(disk, SMALL);
    expect(found.indexes[0]).toBeLessThanOrEqual(21);
    expect(found.indexes[0]).toBeGreaterThan(1);
    expect(found.indexes.at(-1)).toBe(40);
    expect(found.hardState).toEqual(hardState(5, 3));
  });

  test('a log of another cluster is refused', async () => {
    const { disk } = await threeRecords();
    await expect(replayed(disk, { ...OPTIONS, clusterId: 'cluster-b' })).rejects.toThrow(DataDirectoryError);
  });
});

describe('damage', () => {
  test('a last record cut off at any byte is cut away, and the log goes on', async () => {
    const { ends } = await threeRecords();
    for (let size = ends[1]!; size < ends[2]!; size++) {
      const { disk, path } = await threeRecords();
      disk.damage(path, (data) => data.subarray(0, size));
      const { log, replayed: found, tornBytes } = await WriteAheadLog.open(disk, DIRECTORY, OPTIONS);
      expect(tornBytes).toBe(size - ends[1]!);
      expect(found.entries).toEqual([entry(1), entry(2)]);
      await write(log, entry(3, 9));
      expect((await replayed(disk)).entries).toEqual([entry(1), entry(2), entry(3, 9)]);
    }
  });

  test('a last record whose pages never arrived (zeros, or garbage) is cut away', async () => {
    for (const fill of [0, 0xa5]) {
      const { disk, path, ends } = await threeRecords();
      disk.damage(path, (data) => data.fill(fill, ends[1]!));
      expect((await replayed(disk)).indexes).toEqual([1, 2]);
    }
  });

  test('a flipped bit anywhere before the last record stops the node, and names file and byte', async () => {
    const { ends } = await threeRecords();
    for (let at = 0; at < ends[1]!; at++) {
      const { disk, path } = await threeRecords();
      disk.damage(path, (data) => {
        data[at]! ^= 0x10;
        return data;
      });
      const outcome = await replayed(disk).catch((error: unknown) => error);
      // Only the zero padding of the header, which nobody reads, may change.
      const padding = at < 256 && !(outcome instanceof Error);
      if (padding) expect((outcome as { indexes: number[] }).indexes).toEqual([1, 2, 3]);
      else if (at >= 4 && at < 8) expect(outcome).toBeInstanceOf(DataDirectoryError);
      else expect(outcome).toBeInstanceOf(StorageCorruptError);
    }
    const { disk, path } = await threeRecords();
    disk.damage(path, (data) => data.fill(0xff, ends[0]! + 10, ends[0]! + 12));
    await expect(replayed(disk)).rejects.toThrow(
      new RegExp(`${path} is damaged at byte ${ends[0]}: .*valid record follows.*--node-id <new id>`),
    );
  });

  test('a flipped bit in the header of a young last segment stops the node, whatever the numbers of its records', async () => {
    const disk = new MemoryDisk();
    const { log } = await WriteAheadLog.open(disk, DIRECTORY, SMALL);
    // Record numbers go on through all segments: those of the last one are far beyond what fits into one.
    for (let index = 1; index <= 60; index++) await log.append([{ hardState: hardState(1), entries: [entry(index)] }]);
    const path = `${DIRECTORY}/${(await disk.list(DIRECTORY)).at(-1)}`;
    expect((await disk.readFile(path)).length).toBeLessThan(512);
    disk.damage(path, (data) => {
      data[17]! ^= 1;
      return data;
    });
    await expect(replayed(disk, SMALL)).rejects.toThrow(StorageCorruptError);
  });

  test('damage before a later segment, and a missing segment, stop the node', async () => {
    const many = async () => {
      const disk = new MemoryDisk();
      const { log } = await WriteAheadLog.open(disk, DIRECTORY, SMALL);
      for (let index = 1; index <= 40; index++) await write(log, entry(index));
      return disk;
    };
    const cut = await many();
    cut.damage(`${DIRECTORY}/0000000000000002.wal`, (data) => data.subarray(0, data.length - 1));
    await expect(replayed(cut, SMALL)).rejects.toThrow(StorageCorruptError);
    const missing = await many();
    await missing.remove(`${DIRECTORY}/0000000000000002.wal`);
    await expect(replayed(missing, SMALL)).rejects.toThrow('segment 2 before it is missing');
  });
});

describe('a full disk', () => {
  test('refuses, loses nothing, and goes on when there is space again', async () => {
    const disk = new MemoryDisk();
    const { log } = await WriteAheadLog.open(disk, DIRECTORY, SMALL);
    let index = 0;
    disk.capacityBytes = 2_000;
    const refused = async () => {
      for (;;) await write(log, entry(++index));
    };
    await expect(refused()).rejects.toThrow(DiskFullError);
    await expect(write(log, entry(index))).rejects.toThrow(DiskFullError);
    disk.capacityBytes = 2_000;
    await write(log, entry(index));
    expect(log.durableIndex()).toBe(index);
    expect((await replayed(disk, SMALL)).indexes).toEqual(Array.from({ length: index }, (_, i) => i + 1));
  });

  test('a failed fdatasync is not a full disk: the log is of no more use', async () => {
    let fail = false;
    const disk = new MemoryDisk((operation) => {
      if (fail && operation === 'datasync') throw Object.assign(new Error('EIO'), { code: 'EIO' });
    });
    const { log } = await WriteAheadLog.open(disk, DIRECTORY, OPTIONS);
    await write(log, entry(1));
    fail = true;
    await expect(write(log, entry(2))).rejects.toThrow('EIO');
    expect(log.durableIndex()).toBe(1);
  });
});

test('durableIndex follows the disk: it stands still until fdatasync has returned', async () => {
  let release = () => {};
  const waiting = { datasync: false };
  const disk = new MemoryDisk((operation) => {
    if (operation !== 'datasync' || !waiting.datasync) return;
    return new Promise<void>((resolve) => {
      release = resolve;
    });
  });
  const { log } = await WriteAheadLog.open(disk, DIRECTORY, OPTIONS);
  await write(log, entry(1), entry(2));
  waiting.datasync = true;
  const writing = write(log, entry(2, 2), entry(3, 2));
  await new Promise((resolve) => setImmediate(resolve));
  expect(log.durableIndex()).toBe(1);
  release();
  await writing;
  expect(log.durableIndex()).toBe(3);
});

test('a crash at any operation keeps all that was acknowledged, whatever else the disk kept', async () => {
  const survivals = [
    (durable: Buffer) => durable,
    (_: Buffer, current: Buffer) => current,
    (durable: Buffer, current: Buffer) => current.subarray(0, Math.max(durable.length, current.length - 7)),
  ];
  for (const survival of survivals) {
    for (let crashAt = 1, finished = false; !finished; crashAt++) {
      let operations = 0;
      const disk = new MemoryDisk(() => {
        if (++operations >= crashAt) throw new Error('crash');
      });
      let acknowledged = 0;
      try {
        const { log } = await WriteAheadLog.open(disk, DIRECTORY, SMALL);
        for (let index = 1; index <= 25; index++) {
          await write(log, entry(index));
          acknowledged = index;
          if (index === 18) await log.compact(10);
        }
        finished = true;
      } catch (error) {
        if ((error as Error).message !== 'crash') throw error;
      }
      // Removals that were not synced may have reached the disk in any order.
      const found = await replayed(
        disk.crash(undefined, survival, (path) => path.includes('1.wal')),
        SMALL,
      );
      const last = found.indexes.at(-1) ?? 0;
      expect(last).toBeGreaterThanOrEqual(acknowledged);
      expect(last).toBeLessThanOrEqual(acknowledged + 1);
      if (acknowledged > 0) expect(found.indexes[0]).toBeLessThanOrEqual(11);
    }
  }
});
