import { expect, test } from '@jest/globals';
import type { SnapshotMeta } from '../core/raft/types.ts';
import { encodeCommand } from '../core/store/command.ts';
import { KvStore } from '../core/store/store.ts';
import { Checkpoints } from './checkpoints.ts';
import { ReplicatedStore } from './replicated-store.ts';

const META = { index: 10_000, term: 1 } as SnapshotMeta;

function filled(): KvStore {
  const store = new KvStore();
  for (let index = 1; index <= 10_000; index++) {
    const id = `0190abcd-0000-7000-8000-${String(index).padStart(12, '0')}`;
    const request = { requestId: `r${index}`, timestampMs: 1, sourceNode: 0 };
    store.apply(index, encodeCommand({ ...request, type: 'create', id, key: 'k', value: `v${index}` }));
  }
  return store;
}

test('a snapshot is restored in turns: the event loop runs in between, and the old state stays until it is whole', async () => {
  const original = filled();
  const blocks = [...original.snapshot(4096)];
  let turns = 0;
  let running = true;
  const count = () => {
    turns += 1;
    if (running) setImmediate(count);
  };
  setImmediate(count);
  const seen = new Set<number>();
  const checkpoints = new Checkpoints({ compared: () => {}, diverged: () => {} });
  const store = new ReplicatedStore(
    0,
    {
      async *blocks() {
        for (const block of blocks) {
          seen.add(store.current.size);
          yield block;
        }
      },
    },
    checkpoints,
    { applied: () => {} },
  );
  await store.restore(META);
  running = false;
  expect([store.current.size, store.current.hash()]).toEqual([10_000, original.hash()]);
  expect([...seen]).toEqual([0]);
  // It takes more than one turn; with less than that much to do the loop would have had no turn.
  expect(turns).toBeGreaterThan(0);
});

test('a snapshot that ends too early leaves the state as it was', async () => {
  const blocks = [...filled().snapshot(4096)].slice(0, -1);
  const checkpoints = new Checkpoints({ compared: () => {}, diverged: () => {} });
  const store = new ReplicatedStore(
    0,
    {
      async *blocks() {
        yield* blocks;
      },
    },
    checkpoints,
    { applied: () => {} },
  );
  await expect(store.restore(META)).rejects.toThrow('ends too early');
  expect(store.current.size).toBe(0);
});
