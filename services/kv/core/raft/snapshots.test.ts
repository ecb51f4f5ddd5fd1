import { describe, expect, test } from '@jest/globals';
import { type ClusterOptions, TestCluster } from './testing/cluster.ts';
import type { Message } from './types.ts';

/** Node 3 has missed what nodes 1 and 2 have committed and compacted. */
function behind(options: ClusterOptions = {}): TestCluster {
  const cluster = new TestCluster([1, 2, 3], options);
  cluster.elect(1);
  cluster.isolate([3]);
  cluster.propose(1, 'a', 'b', 'c', 'd', 'e', 'f');
  cluster.settle();
  cluster.tick(1, 3);
  cluster.settle();
  cluster.snapshot(1);
  cluster.isolate([]);
  return cluster;
}

/** Lets the leader's heartbeats go round until nothing more happens. */
function heartbeats(cluster: TestCluster, count: number): void {
  for (let i = 0; i < count; i++) {
    cluster.tick(1, 3);
    cluster.settle();
  }
}

const chunk = (cluster: TestCluster, offset: number, more: object = {}): Message => {
  const { meta, data } = cluster.node(1).disk.snapshot!;
  const piece = data.slice(offset, offset + 32);
  const done = offset + piece.length === data.length;
  return { type: 'installSnapshot', from: 1, to: 3, term: 1, snapshot: meta, offset, data: piece, done, ...more };
};

const answers = (cluster: TestCluster, message: Message) => {
  const output = cluster.step(message.to, { type: 'message', message });
  return { persist: output.persist!, ack: output.persist!.thenSend[0] };
};

describe('a follower that is too far behind', () => {
  test('is brought up to date in chunks, then by appends', () => {
    const cluster = behind();
    heartbeats(cluster, 2);
    expect(cluster.node(3).state).toEqual(['2:a', '3:b', '4:c', '5:d', '6:e', '7:f']);
    cluster.propose(1, 'g');
    cluster.settle();
    expect(cluster.node(3).state.at(-1)).toBe('8:g');
    cluster.crash(3);
    cluster.start(3);
    expect(cluster.node(3).status()).toMatchObject({ firstIndex: 8, lastIndex: 8, commitIndex: 7 });
  });

  test('goes on where it was when a chunk or an acknowledgement is lost', () => {
    const cluster = behind({ config: { snapshotChunkBytes: 8 } });
    for (let i = 0; i < 60 && cluster.node(3).state.length < 6; i++) {
      cluster.tick(1, 3);
      for (let rounds = 0; rounds < 3; rounds++) {
        for (const node of cluster.up) cluster.flush(node.id);
        const { network } = cluster;
        cluster.network = [];
        const lost = i < 12 && i % 2 === 0 ? network.find((message) => /snapshot/i.test(message.type)) : undefined;
        for (const message of network) if (message !== lost) cluster.deliver(message);
      }
    }
    expect(cluster.node(3).state).toHaveLength(6);
  });

  test('starts again after a crash in the middle', () => {
    const cluster = behind({ config: { snapshotChunkBytes: 8 } });
    cluster.tick(1, 3);
    for (let i = 0; i < 8; i++) {
      for (const message of cluster.network.splice(0)) cluster.deliver(message);
      for (const node of cluster.up) cluster.flush(node.id);
    }
    expect(cluster.node(1).status().progress[1]!.snapshot!.offset).toBeGreaterThan(0);
    cluster.crash(3);
    cluster.start(3);
    cluster.network = [];
    heartbeats(cluster, 8);
    expect(cluster.node(3).state).toHaveLength(6);
  });

  test('gets smaller chunks when one takes too long, so that copies of it do not fill the line', () => {
    const cluster = behind();
    const lengths: number[] = [];
    for (let i = 0; i < 30; i++) {
      cluster.tick(1, 3);
      for (let rounds = 0; rounds < 4; rounds++) {
        for (const node of cluster.up) cluster.flush(node.id);
        const { network } = cluster;
        cluster.network = [];
        for (const message of network) {
          if (message.type === 'installSnapshot') lengths.push(message.data.length);
          else cluster.deliver(message);
        }
      }
    }
    expect(lengths.slice(0, 4)).toEqual([32, 16, 8, 8]);
    heartbeats(cluster, 20);
    expect(cluster.node(3).state).toHaveLength(6);
  });

  test('gets the newest snapshot when the first is gone before it was read', () => {
    const cluster = behind();
    cluster.isolate([3]);
    cluster.propose(1, 'g');
    cluster.settle();
    cluster.isolate([]);
    const { disk } = cluster.node(1);
    const old = disk.snapshot;
    disk.snapshot = null;
    heartbeats(cluster, 1);
    expect(cluster.node(1).status().progress[1]).toMatchObject({
      state: 'snapshot',
      snapshot: { index: 7, offset: 0 },
    });
    disk.snapshot = old;
    cluster.snapshot(1);
    heartbeats(cluster, 6);
    expect(cluster.node(3).state).toHaveLength(7);
  });
});

describe('a received snapshot', () => {
  test('is in force only when it is on the disk', () => {
    const cluster = behind();
    answers(cluster, chunk(cluster, 0));
    const { persist, ack } = answers(cluster, chunk(cluster, 32));
    expect(persist).toMatchObject({ hardState: null, entries: [], snapshotWrite: { offset: 32, done: true } });
    expect(ack).toMatchObject({ type: 'snapshotAck', index: 7, installed: true });
    expect(cluster.node(3).state).toEqual([]);
    cluster.flush(3);
    expect(cluster.node(3).state).toHaveLength(6);
  });

  test('does not write a commit index that a crash could leave without it', () => {
    const cluster = behind();
    const { meta, data } = cluster.node(1).disk.snapshot!;
    const whole = { snapshot: meta, offset: 0, data, done: true } as const;
    // A new term comes with it, so term and commit index are written beside the snapshot, but before it is in its place.
    const { persist } = answers(cluster, { type: 'installSnapshot', from: 2, to: 3, term: 2, ...whole });
    expect(persist).toMatchObject({ snapshotWrite: whole, hardState: { term: 2, commit: 0 } });
  });

  test('begins anew when another leader sends it', () => {
    const cluster = behind();
    answers(cluster, chunk(cluster, 0));
    expect(answers(cluster, chunk(cluster, 32, { term: 2, from: 2 })).ack).toMatchObject({
      offset: 0,
      installed: false,
    });
  });

  test('chunk is written once, however often it comes', () => {
    const cluster = behind();
    expect(answers(cluster, chunk(cluster, 0)).persist.snapshotWrite).not.toBeNull();
    const again = answers(cluster, chunk(cluster, 0));
    expect(again.persist.snapshotWrite).toBeNull();
    expect(again.ack).toMatchObject({ offset: 32, installed: false });
  });

  test('at or below the commit index is acknowledged, not installed', () => {
    const cluster = behind();
    const { persist, ack } = answers(cluster, chunk(cluster, 0, { to: 2 }));
    expect(persist.snapshotWrite).toBeNull();
    expect(ack).toMatchObject({ index: 7, installed: true });
    expect(cluster.node(2).status().lastIndex).toBe(7);
  });

  test('whose last entry is in the log commits it and keeps what follows', () => {
    const cluster = new TestCluster([1, 2, 3]);
    cluster.elect(1);
    cluster.propose(1, 'a', 'b', 'c');
    // Node 3 has all entries, but does not know that any is committed.
    for (const message of cluster.network.splice(0)) cluster.deliver(message);
    cluster.isolate([3]);
    cluster.settle();
    cluster.flush(3);
    cluster.snapshot(1);
    cluster.propose(1, 'd');
    const append = cluster.network.find((message) => message.type === 'append' && message.to === 3)!;
    cluster.isolate([]);
    cluster.deliver(append);
    expect(cluster.node(3).status()).toMatchObject({ commitIndex: 4, lastIndex: 5 });
    const late = new TestCluster([1, 2, 3]);
    late.elect(1);
    late.propose(1, 'a', 'b', 'c');
    for (const message of late.network.splice(0)) late.deliver(message);
    late.node(1).disk.snapshot = cluster.node(1).disk.snapshot;
    const meta = { ...cluster.node(1).disk.snapshot!.meta, index: 3 };
    const { persist } = answers(late, chunk(late, 0, { snapshot: meta }));
    expect(persist.snapshotWrite).toBeNull();
    expect(late.node(3).status()).toMatchObject({ commitIndex: 3, lastIndex: 4, firstIndex: 1 });
  });
});

describe('compaction', () => {
  test('keeps as many entries behind the snapshot as configured', () => {
    const cluster = new TestCluster([1], { config: { entriesKeptAfterSnapshot: 2 } });
    cluster.elect(1);
    cluster.propose(1, 'a', 'b', 'c', 'd');
    cluster.settle();
    cluster.snapshot(1);
    expect(cluster.node(1).status()).toMatchObject({ firstIndex: 4, lastIndex: 5 });
    cluster.crash(1);
    cluster.start(1);
    expect(cluster.node(1).status()).toMatchObject({ firstIndex: 5, lastIndex: 5, commitIndex: 5 });
  });

  test('leaves what a follower needs after the snapshot that is on its way', () => {
    const cluster = behind();
    cluster.tick(1, 3);
    for (let i = 0; i < 5; i++) {
      for (const message of cluster.network.splice(0)) cluster.deliver(message);
      for (const node of cluster.up) cluster.flush(node.id);
    }
    expect(cluster.node(1).status().progress[1]).toMatchObject({ state: 'snapshot' });
    cluster.propose(1, 'g');
    cluster.network = cluster.network.filter((message) => message.to !== 3);
    cluster.flush(1);
    for (const message of cluster.network.splice(0)) if (message.to !== 3) cluster.deliver(message);
    cluster.flush(2);
    for (const message of cluster.network.splice(0)) if (message.to !== 3) cluster.deliver(message);
    expect(cluster.snapshot(1)).toBe(true);
    expect(cluster.node(1).status().firstIndex).toBe(8);
  });

  test('makes no difference to an append that arrives late', () => {
    const cluster = new TestCluster([1, 2, 3]);
    cluster.elect(1);
    cluster.propose(1, 'a', 'b');
    const late = cluster.network.find((message) => message.to === 2)!;
    cluster.settle();
    cluster.tick(1, 3);
    cluster.settle();
    cluster.snapshot(2);
    expect(cluster.node(2).status()).toMatchObject({ firstIndex: 4, lastIndex: 3 });
    cluster.deliver(late);
    expect(cluster.node(2).status()).toMatchObject({ firstIndex: 4, lastIndex: 3 });
  });

  test('of a snapshot that was overtaken is left alone', () => {
    const cluster = behind();
    heartbeats(cluster, 2);
    expect(cluster.node(3).core!.snapshotMeta(3, 10)).toBeNull();
  });
});

describe('a restored node', () => {
  const membership = { voters: [1], votersOutgoing: [], learners: [], retired: [], addresses: {} };
  const restart = (restored: object) => {
    const cluster = new TestCluster([1]);
    const { disk } = cluster.node(1);
    disk.restored = () => ({ hardState: { term: 5, vote: null, commit: 0 }, snapshot: null, entries: [], ...restored });
    cluster.crash(1);
    return () => cluster.start(1);
  };
  const entry = (index: number, term: number) => ({ index, term, kind: 'noop', data: new Uint8Array(0) });
  const snapshot = { index: 4, term: 2, membership, size: 0 };

  test.each([
    [
      'entries behind a gap',
      { snapshot, entries: [entry(6, 2)] },
      'restored entries begin at 6, the snapshot ends at 4',
    ],
    [
      'entries that an installed snapshot voids',
      { snapshot, entries: [entry(4, 1), entry(5, 3)] },
      'installed snapshot voids',
    ],
    ['fewer entries than it committed', { hardState: { term: 5, vote: null, commit: 3 } }, 'durable entries were lost'],
    ['a term below its last entry’s', { entries: [entry(1, 9)] }, 'restored term 5 is below'],
  ])('refuses to start with %s', (_, restored, message) => {
    expect(restart(restored)).toThrow(message);
  });
});
