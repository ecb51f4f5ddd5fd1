import { describe, expect, test } from '@jest/globals';
import { Prng } from '../../../../kit/prng.ts';
import { type Command, encodeCommand } from './command.ts';
import { KvStore, type StoreOptions } from './store.ts';

const uuid = (n: number) => `0198c2f4-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const request = { timestampMs: Date.parse('2026-01-31T12:00:00.000Z'), sourceNode: 1 };

/** `Omit` that keeps the alternatives of a union apart. */
type Without<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

/** A store and a way to give it commands, each at the next index. */
function fresh(options?: StoreOptions) {
  const store = new KvStore(options);
  const apply = (command: Without<Command, 'timestampMs' | 'sourceNode' | 'requestId'> & { requestId?: string }) =>
    store.apply(store.index + 1, encodeCommand({ requestId: 'r', ...request, ...command } as Command));
  const create = (n: number, key = `k${n}`, value = `v${n}`, idempotencyKey?: string) =>
    apply({ type: 'create', id: uuid(n), key, value, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) });
  return { store, apply, create };
}

describe('commands', () => {
  test('create, update and delete an entry', () => {
    const { store, apply, create } = fresh();
    expect(create(1)).toEqual({
      requestId: 'r',
      outcome: 'created',
      replayed: false,
      entry: { id: uuid(1), key: 'k1', value: 'v1', seq: 1, source_node: 1, created_at: '2026-01-31T12:00:00.000Z' },
    });
    const updated = apply({ type: 'update', id: uuid(1), value: 'new', requestId: 'u' });
    expect(updated).toMatchObject({ requestId: 'u', outcome: 'updated', entry: { key: 'k1', value: 'new', seq: 2 } });
    expect(store.get(uuid(1))).toEqual(updated.entry);
    expect(apply({ type: 'delete', id: uuid(1) })).toMatchObject({ outcome: 'deleted', entry: updated.entry });
    expect([store.get(uuid(1)), store.size, store.bytes]).toEqual([undefined, 0, 0]);
    expect(apply({ type: 'delete', id: uuid(1) })).toMatchObject({ outcome: 'notFound', entry: null });
    expect(apply({ type: 'update', id: uuid(1), key: 'x' })).toMatchObject({ outcome: 'notFound', entry: null });
  });

  test('keep creator and time of creation when another node updates', () => {
    const { store, create } = fresh();
    create(1);
    const update = { type: 'update', id: uuid(1), key: 'k2', requestId: 'x', timestampMs: 5, sourceNode: 9 } as const;
    store.apply(7, encodeCommand(update));
    expect(store.get(uuid(1))).toMatchObject({ seq: 7, source_node: 1, created_at: '2026-01-31T12:00:00.000Z' });
  });

  test('of the same create change nothing the second time', () => {
    const { store, create } = fresh();
    create(1);
    const hash = store.hash();
    expect(create(1, 'k1', 'other')).toMatchObject({ outcome: 'created', entry: { value: 'v1' } });
    expect(store.hash()).toBe(hash);
  });

  test('come in ascending order, each once', () => {
    const { store, create } = fresh();
    create(1);
    const again = encodeCommand({ ...request, requestId: 'r', type: 'delete', id: uuid(1) });
    expect(() => store.apply(1, again)).toThrow('command 1 after 1');
  });
});

describe('an idempotency key', () => {
  test('gives a retry the first result, without applying it again', () => {
    const { store, create } = fresh();
    const first = create(1, 'k', 'v', 'key');
    // The retry went to another node, which made another id.
    expect(create(2, 'k', 'v', 'key')).toEqual({ ...first, replayed: true });
    expect(store.size).toBe(1);
  });

  test('remembers what was answered, also when the entry has changed since', () => {
    const { apply, create } = fresh();
    create(1);
    const update = { type: 'update', id: uuid(1), value: 'x', idempotencyKey: 'key' } as const;
    apply(update);
    apply({ type: 'update', id: uuid(1), value: 'y' });
    expect(apply(update)).toMatchObject({ outcome: 'updated', replayed: true, entry: { value: 'x', seq: 2 } });
    const missing = { type: 'delete', id: uuid(5), idempotencyKey: 'gone' } as const;
    expect([apply(missing).outcome, apply(missing)]).toMatchObject([
      'notFound',
      { outcome: 'notFound', replayed: true },
    ]);
  });

  test('with another request is refused, and keeps its first result', () => {
    const { store, create } = fresh();
    create(1, 'k', 'v', 'key');
    const hash = store.hash();
    expect(create(2, 'k', 'other', 'key')).toMatchObject({ outcome: 'keyReused', entry: null, replayed: false });
    expect(store.hash()).toBe(hash);
    expect(create(3, 'k', 'v', 'key')).toMatchObject({ replayed: true, entry: { id: uuid(1) } });
  });

  test('is forgotten, oldest first, beyond the bound', () => {
    const { store, create } = fresh({ rememberedMax: 2 });
    for (let i = 1; i <= 3; i++) create(i, 'k', 'v', `key ${i}`);
    expect(store.remembered).toBe(2);
    expect(create(8, 'k', 'v', 'key 3').replayed).toBe(true);
    expect(create(9, 'k', 'v', 'key 1').replayed).toBe(false);
  });
});

test('idempotency keys are known exactly as long as they are among the newest, however many have been forgotten', () => {
  const random = new Prng(3);
  const { store, apply } = fresh({ rememberedMax: 700, hashKey: [1, 2] });
  const newest: string[] = [];
  for (let i = 0; i < 6000; i++) {
    const idempotencyKey = `key ${random.integer(0, 1200)}`;
    const isKnown = newest.includes(idempotencyKey);
    expect(apply({ type: 'delete', id: uuid(1), idempotencyKey }).replayed).toBe(isKnown);
    if (!isKnown) newest.push(idempotencyKey);
    if (newest.length > 700) newest.shift();
    expect(store.remembered).toBe(newest.length);
  }
  const restored = KvStore.restore(store.snapshot(), { rememberedMax: 700, hashKey: [3, 4] });
  expect(Buffer.concat([...restored.snapshot()]).equals(Buffer.concat([...store.snapshot()]))).toBe(true);
});

describe('lists', () => {
  test('are ordered by id, in pages', () => {
    const { store, create } = fresh();
    for (const n of [3, 1, 5, 2, 4]) create(n);
    const page = store.list({ limit: 2 });
    expect(page).toMatchObject({ entries: [{ id: uuid(1) }, { id: uuid(2) }], next: uuid(2) });
    expect(store.list({ limit: 3, after: page.next })).toEqual({ entries: [3, 4, 5].map((n) => store.get(uuid(n))) });
    expect(store.list({ limit: 3, after: uuid(9) })).toEqual({ entries: [] });
  });

  test('a page of large entries ends before its limit, and the next one goes on from there', () => {
    const { store, create } = fresh();
    for (let n = 1; n <= 6; n++) create(n, 'k', 'x'.repeat(1024 * 1024));
    const page = store.list({ limit: 1000 });
    expect([page.entries.length, page.next]).toEqual([4, uuid(4)]);
    expect(store.list({ limit: 1000, after: page.next })).toMatchObject({
      entries: [{ id: uuid(5) }, { id: uuid(6) }],
    });
    expect(store.findByKey('k', { limit: 1000 }).entries.length).toBe(4);
    create(0, 'huge', 'x'.repeat(8 * 1024 * 1024));
    expect(store.list({ limit: 1000 })).toMatchObject({ entries: [{ key: 'huge' }], next: uuid(0) });
  });

  test('by key follow creates, updates and deletes', () => {
    const { store, apply, create } = fresh();
    const ids = (key: string) => store.findByKey(key, { limit: 10 }).entries.map((entry) => entry.id);
    create(2, 'a');
    create(1, 'a');
    create(3, 'b');
    expect([ids('a'), ids('b'), ids('c')]).toEqual([[uuid(1), uuid(2)], [uuid(3)], []]);
    expect(store.findByKey('a', { limit: 1 })).toMatchObject({ next: uuid(1) });
    expect(store.findByKey('b', { limit: 1, after: uuid(3) })).toEqual({ entries: [] });
    apply({ type: 'update', id: uuid(2), key: 'b' });
    apply({ type: 'delete', id: uuid(1) });
    expect([ids('a'), ids('b')]).toEqual([[], [uuid(2), uuid(3)]]);
  });
});

test('behaves like a Map through random commands, whatever the hash key', () => {
  const random = new Prng(9);
  const stores = [
    fresh(),
    fresh({ rememberedMax: 100, hashKey: [random.integer(0, 2 ** 32), random.integer(0, 2 ** 32)] }),
  ];
  const expected = new Map<string, { readonly key: string; readonly value: string }>();
  const keys = Array.from({ length: 40 }, (_, i) => 'ключ-'.repeat(i % 4) + i);
  for (let i = 0; i < 6000; i++) {
    const id = uuid(Math.floor(i / 4) + random.integer(0, 300));
    // One of the keys has most of the entries.
    const key = random.pick(random.integer(0, 3) === 0 ? keys : keys.slice(0, 1));
    const known = expected.get(id);
    const chance = i % 7;
    const more = { ...(chance < 6 ? { key } : {}), ...(chance > 3 ? { value: `v${i}` } : {}) };
    for (const { apply } of stores) {
      if (known === undefined) apply({ type: 'create', id, key, value: `v${i}` });
      else if (chance < 3) apply({ type: 'delete', id });
      else apply({ type: 'update', id, ...more });
    }
    if (known === undefined) expected.set(id, { key, value: `v${i}` });
    else if (chance < 3) expected.delete(id);
    else expected.set(id, { ...known, ...more });
    if (i % 500 !== 0) continue;
    const ids = [...expected.keys()].sort();
    for (const { store } of stores) {
      expect(store.size).toBe(ids.length);
      expect(store.list({ limit: 10_000 }).entries.map((entry) => entry.id)).toEqual(ids);
      for (const each of [...keys, 'none']) {
        const after = uuid(random.integer(0, 1800));
        const found = store.findByKey(each, { limit: 10, after }).entries.map((entry) => entry.id);
        expect(found).toEqual(ids.filter((one) => expected.get(one)!.key === each && one > after).slice(0, 10));
      }
      for (const one of ids) expect(store.get(one)).toMatchObject(expected.get(one)!);
      expect([store.get(uuid(999_999)), store.get('no id')]).toEqual([undefined, undefined]);
    }
  }
  const [one, other] = stores.map(({ store }) => Buffer.concat([...store.snapshot()]));
  expect(one!.equals(other!)).toBe(true);
  const restored = KvStore.restore([one!]);
  expect(Buffer.concat([...restored.snapshot()]).equals(one!)).toBe(true);
});

/** A store after many random commands. */
function busy(seed: number, count: number) {
  const random = new Prng(seed);
  const { store, apply, create } = fresh({ rememberedMax: 50 });
  for (let i = 1; i <= count; i++) {
    const id = uuid(random.integer(1, i + 1));
    const idempotencyKey = `key ${random.integer(0, 200)}`;
    const chance = random.integer(0, 10);
    if (chance < 6)
      create(
        i,
        `k${random.integer(0, 50)}`,
        'ä'.repeat(random.integer(0, 100)),
        i % 3 === 0 ? idempotencyKey : undefined,
      );
    else if (chance < 8) apply({ type: 'update', id, value: `v${i}`, idempotencyKey });
    else apply({ type: 'delete', id });
  }
  return { store, apply, create };
}

describe('the hash', () => {
  test('is zero for nothing, and back to what it was when a change is undone', () => {
    const { store, apply, create } = fresh();
    expect(store.hash()).toBe('0000000000000000');
    create(1);
    const one = store.hash();
    create(2);
    expect(store.hash()).not.toBe(one);
    apply({ type: 'delete', id: uuid(2) });
    expect(store.hash()).toBe(one);
  });

  test('does not depend on the order, but on every field and on remembered results', () => {
    const hash = (build: (s: ReturnType<typeof fresh>) => void) => {
      const made = fresh();
      build(made);
      return made.store.hash();
    };
    const at = (index: number, n: number, more: object = {}) =>
      [
        index,
        encodeCommand({
          ...request,
          requestId: 'r',
          type: 'create',
          id: uuid(n),
          key: 'k',
          value: 'v',
          ...more,
        } as Command),
      ] as const;
    const base = hash(({ store }) => store.apply(...at(1, 1)));
    const others = [
      { key: 'x' },
      { value: 'x' },
      { sourceNode: 2 },
      { timestampMs: 1 },
      { id: uuid(2) },
      { idempotencyKey: 'x' },
    ];
    const hashes = others.map((more) => hash(({ store }) => store.apply(...at(1, 1, more))));
    hashes.push(hash(({ store }) => store.apply(...at(2, 1))));
    expect(new Set([base, ...hashes]).size).toBe(others.length + 2);
    expect(hash(({ store }) => store.apply(...at(1, 1, { requestId: 'other' })))).toBe(base);
  });
});

describe('a snapshot', () => {
  test('restores everything: entries, indices, remembered results, hash', () => {
    const { store } = busy(1, 2000);
    const restored = KvStore.restore(store.snapshot(4096), { rememberedMax: 50 });
    expect(restored.hash()).toBe(store.hash());
    expect([restored.size, restored.bytes, restored.index, restored.remembered]).toEqual([
      store.size,
      store.bytes,
      store.index,
      store.remembered,
    ]);
    expect(restored.list({ limit: 10_000 })).toEqual(store.list({ limit: 10_000 }));
    expect(restored.findByKey('k7', { limit: 100 })).toEqual(store.findByKey('k7', { limit: 100 }));
    // Both forget the same results afterwards.
    for (let i = 0; i < 60; i++) {
      const command = encodeCommand({
        ...request,
        requestId: 'r',
        type: 'create',
        id: uuid(90_000 + i),
        key: 'k',
        value: 'v',
        idempotencyKey: `late ${i}`,
      });
      expect(restored.apply(5000 + i, command)).toEqual(store.apply(5000 + i, command));
      expect(restored.hash()).toBe(store.hash());
    }
  });

  test('is not changed by what is applied while it is read', () => {
    const { store, apply, create } = busy(2, 500);
    const hash = store.hash();
    const chunks: Uint8Array[] = [];
    let n = 10_000;
    for (const chunk of store.snapshot(1024)) {
      chunks.push(chunk);
      create(n++);
      apply({ type: 'delete', id: store.list({ limit: 1 }).entries[0]!.id });
    }
    expect(chunks.length).toBeGreaterThan(5);
    expect(KvStore.restore(chunks, { rememberedMax: 50 }).hash()).toBe(hash);
  });

  test('comes in chunks of bounded size, and may be cut anywhere', () => {
    const { store } = busy(3, 300);
    const chunks = [...store.snapshot(1000)];
    for (const chunk of chunks) expect(chunk.length).toBeLessThan(1000 + 500);
    const whole = Buffer.concat(chunks);
    const pieces = Array.from(
      { length: Math.ceil(whole.length / 7) },
      (_, i) => new Uint8Array(whole.subarray(i * 7, i * 7 + 7)),
    );
    expect(KvStore.restore(pieces, { rememberedMax: 50 }).hash()).toBe(store.hash());
  });

  test('of an empty store is a snapshot too', () => {
    expect(KvStore.restore(new KvStore().snapshot()).size).toBe(0);
  });

  test('that is incomplete or altered is refused', () => {
    const { store } = fresh();
    const chunks = [...busy(4, 100).store.snapshot(500)];
    expect(() => KvStore.restore(chunks.slice(0, -1))).toThrow('the snapshot ends too early');
    expect(() => KvStore.restore([])).toThrow('the snapshot ends too early');
    const altered = chunks.map((chunk) => chunk.slice());
    altered.at(-1)![altered.at(-1)!.length - 1]! ^= 1;
    expect(() => KvStore.restore(altered)).toThrow('the restored state has hash');
    store.apply(1, encodeCommand({ ...request, requestId: 'r', type: 'delete', id: uuid(1) }));
    expect(() => store.restoring()).toThrow('into a new store');
  });
});
