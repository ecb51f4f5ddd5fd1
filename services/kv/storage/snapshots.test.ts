import { describe, expect, test } from '@jest/globals';
import type { SnapshotMeta } from '../core/raft/types.ts';
import { DiskFullError, StorageCorruptError } from './errors.ts';
import { MemoryDisk } from './memory-disk.ts';
import { SnapshotStore } from './snapshots.ts';

const DIRECTORY = '/node/snapshots';
const MEMBERSHIP = {
  voters: [0, 1, 2],
  votersOutgoing: [],
  learners: [3],
  retired: [4, 300],
  addresses: { 0: '127.0.0.1:8080/9080#a' },
};

function meta(index: number, size = 0): SnapshotMeta {
  return { index, term: 2, membership: MEMBERSHIP, size };
}

/** Pieces of odd sizes, so that no boundary coincides with a block's. */
function pieces(bytes: number, seed = 1): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let at = 0, n = 0; at < bytes; n++) {
    const size = Math.min(bytes - at, 1 + ((n * 7919 + seed) % 40_000));
    all.push(new Uint8Array(size).map((_, i) => (at + i + seed) % 251));
    at += size;
  }
  return all;
}

async function data(store: SnapshotStore): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const block of store.blocks(store.latest!)) parts.push(block);
  return Buffer.concat(parts);
}

const open = (disk: MemoryDisk) => SnapshotStore.open(disk, DIRECTORY, 'cluster-a');

describe('snapshots', () => {
  test.each([0, 1, 65_531, 65_532, 65_533, 300_000])('%d bytes are stored and found after a restart', async (size) => {
    const disk = new MemoryDisk();
    const store = await open(disk);
    const stored = await store.create(meta(10), pieces(size));
    expect(stored).toEqual(meta(10, size));
    const again = await open(disk.crash());
    expect(again.latest).toEqual(stored);
    expect(await data(again)).toEqual(Buffer.concat(pieces(size)));
  });

  test('travel in chunks from one store to another', async () => {
    const from = await open(new MemoryDisk());
    const stored = await from.create(meta(10), pieces(200_000));
    const disk = new MemoryDisk();
    const to = await open(disk);
    // The first attempt is broken off; the second one starts anew.
    await to.receive(stored, 0, new Uint8Array(500), false);
    for (let offset = 0, done = false; !done; ) {
      const chunk = (await from.read(10, offset, 30_001))!;
      await to.receive(stored, offset, chunk.data, chunk.done);
      offset += chunk.data.length;
      done = chunk.done;
    }
    const again = await open(disk.crash());
    expect(again.latest).toEqual(stored);
    expect(await data(again)).toEqual(await data(from));
  });

  test('a chunk out of order is refused', async () => {
    const store = await open(new MemoryDisk());
    await store.receive(meta(10, 1000), 0, new Uint8Array(500), false);
    await expect(store.receive(meta(10, 1000), 600, new Uint8Array(400), true)).rejects.toThrow('chunk 600 after 500');
  });

  test('a chunk that met a full disk is taken when it is given again', async () => {
    const from = await open(new MemoryDisk());
    const stored = await from.create(meta(10), pieces(300_000));
    const all = (await from.read(10, 0, 300_000))!.data;
    const disk = new MemoryDisk();
    const store = await open(disk);
    await store.receive(stored, 0, all.subarray(0, 10), false);
    disk.capacityBytes = 150_000;
    await expect(store.receive(stored, 10, all.subarray(10), true)).rejects.toThrow('no space left');
    await expect(store.receive(stored, 10, all.subarray(10), true)).rejects.toThrow('no space left');
    disk.capacityBytes = 1_000_000;
    await store.receive(stored, 10, all.subarray(10), true);
    expect(await data(await open(disk.crash()))).toEqual(Buffer.from(all));
  });

  test('a disk that is full when the file is made is full, not broken', async () => {
    let full = true;
    const disk = new MemoryDisk((operation) => {
      if (operation === 'create' && full) throw Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' });
    });
    const store = await open(disk);
    await expect(store.create(meta(10), pieces(10))).rejects.toThrow(DiskFullError);
    await expect(store.receive(meta(10, 3), 0, new Uint8Array(3), true)).rejects.toThrow(DiskFullError);
    full = false;
    await store.receive(meta(10, 3), 0, new Uint8Array(3), true);
    expect(store.latest).toEqual(meta(10, 3));
  });

  test('older ones are removed, those that are still sent are not', async () => {
    const disk = new MemoryDisk();
    const store = await open(disk);
    for (const index of [1, 2, 3]) await store.create(meta(index), pieces(10));
    await store.prune();
    expect(await disk.list(DIRECTORY)).toEqual(['0000000000000002-2.snapshot', '0000000000000003-2.snapshot']);
    expect(await store.read(2, 0, 100)).toMatchObject({ done: true });
    expect(await store.read(1, 0, 100)).toBeNull();
  });

  test("one that could not be opened once is opened the next time, and stands in nobody's way until then", async () => {
    class ShortOfDescriptors extends MemoryDisk {
      short = false;
      override async open(...[path, mode]: Parameters<MemoryDisk['open']>) {
        if (this.short) throw Object.assign(new Error('too many open files'), { code: 'EMFILE' });
        return super.open(path, mode);
      }
    }
    const disk = new ShortOfDescriptors();
    const store = await open(disk);
    for (const index of [1, 2, 3]) await store.create(meta(index), pieces(10));
    disk.short = true;
    const reads = [1, 3].map((index) => store.read(index, 0, 100));
    await Promise.all([store.prune(), ...reads.map((read) => expect(read).rejects.toThrow('too many open files'))]);
    disk.short = false;
    expect(await store.read(3, 0, 100)).toMatchObject({ done: true });
    await store.close();
  });

  test('a flipped bit anywhere is found when it is read', async () => {
    for (const at of [0, 9, 13, 20, 65_536, 65_540, 70_000, 140_000]) {
      const disk = new MemoryDisk();
      await (await open(disk)).create(meta(10), pieces(100_000));
      disk.damage(`${DIRECTORY}/0000000000000010-2.snapshot`, (bytes) => {
        bytes[at]! ^= 1;
        return bytes;
      });
      const outcome = open(disk).then(data);
      await expect(outcome).rejects.toThrow(StorageCorruptError);
    }
  });

  test('a crash at any operation leaves the old or the new one, whole', async () => {
    const before = new MemoryDisk();
    await (await open(before)).create(meta(5), pieces(70_000, 5));
    for (let crashAt = 1, finished = false; !finished; crashAt++) {
      let operations = 0;
      const disk = before.crash(() => {
        if (++operations >= crashAt) throw new Error('crash');
      });
      let acknowledged = 5;
      try {
        const store = await open(disk);
        await store.create(meta(9), pieces(70_000, 9));
        acknowledged = 9;
        await store.prune();
        finished = true;
      } catch (error) {
        if ((error as Error).message !== 'crash') throw error;
      }
      for (const survival of [(durable: Buffer) => durable, (_: Buffer, current: Buffer) => current]) {
        const store = await open(disk.crash(undefined, survival));
        const { index } = store.latest!;
        expect(index).toBeGreaterThanOrEqual(acknowledged);
        expect(await data(store)).toEqual(Buffer.concat(pieces(70_000, index)));
      }
    }
  });
});
