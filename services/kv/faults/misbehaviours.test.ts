import { describe, expect, test } from '@jest/globals';
import type { Entry } from '../core/raft/types.ts';
import { FakeNode } from '../testing/fake-node.ts';
import type { TransportEvents } from '../transport/transport.ts';
import type { Misbehaviour } from './fault-set.ts';
import { misbehaving } from './misbehaving-node.ts';
import { EarlyLog, ForgetfulState, uncounted, withoutCheckpoints } from './misbehaviours.ts';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('acknowledge-early', () => {
  test('a write is called durable before it is made; the next honest one waits for all of them', async () => {
    let early = true;
    const made: number[] = [];
    const disk: (() => void)[] = [];
    const log = new EarlyLog(
      {
        append: async ([write]) => {
          await new Promise<void>((resolve) => disk.push(resolve));
          made.push(write!.hardState!.term);
        },
      },
      () => early,
    );
    const write = (term: number) => log.append([{ hardState: { term, vote: null, commit: 0 }, entries: [] }]);
    await write(1);
    await write(2);
    expect(made).toEqual([]);
    early = false;
    const honest = write(3);
    for (let i = 0; i < 3; i++) {
      await turn();
      disk.shift()!();
    }
    await honest;
    expect(made).toEqual([1, 2, 3]);
  });

  test('a write that fails after it was called durable is not the last word', async () => {
    const log = new EarlyLog({ append: () => Promise.reject(new Error('EIO')) }, () => true);
    await log.append([]);
    await turn();
    await expect(log.append([])).rejects.toThrow('called durable');
  });
});

test('skip-apply leaves out one command each time it begins, and no other kind of entry', async () => {
  let active = false;
  const kinds: string[] = [];
  const state = new ForgetfulState(
    { apply: ({ index, kind, data }) => kinds.push(`${index} ${kind} ${data.length}`), restore: async () => {} },
    () => active,
  );
  const entry = (index: number, kind: Entry['kind'] = 'command'): Entry => ({
    index,
    term: 1,
    kind,
    data: Uint8Array.of(1),
  });
  state.apply(entry(1));
  active = true;
  for (const each of [entry(2, 'membership'), entry(3), entry(4)]) state.apply(each);
  active = false;
  state.apply(entry(5));
  active = true;
  state.apply(entry(6));
  expect(kinds).toEqual(['1 command 1', '2 membership 1', '3 noop 0', '4 command 1', '5 command 1', '6 noop 0']);
});

test('unaudited counts nothing while it is in force', () => {
  let active = true;
  const counted: number[] = [];
  const events = uncounted(
    { acknowledged: (index) => counted.push(index), refused: () => {}, timedOut: () => {} },
    () => active,
  );
  events.acknowledged(1, 0);
  active = false;
  events.acknowledged(2, 0);
  expect(counted).toEqual([2]);
});

test('mute-checkpoints takes them out of what is sent and of what is received, and leaves the rest', () => {
  let active = true;
  const checkpoint = { index: 256, hash: '0'.repeat(16) };
  const sender = { durableIndex: 5, quorumDurableIndex: 4, storageFull: false, checkpoint };
  const seen: unknown[] = [];
  const events: TransportEvents = {
    connected: () => {},
    frame: (frame) => seen.push(frame.sender),
    call: async () => null,
    snapshot: () => null,
    refused: () => {},
    senderState: () => sender,
    sent: () => {},
    peer: () => {},
  };
  const muted = withoutCheckpoints(events, () => active);
  expect(muted.senderState(1)).toEqual({ ...sender, checkpoint: null });
  muted.frame({ from: 1, sender, messages: [] }, 10);
  active = false;
  expect(muted.senderState(1)).toEqual(sender);
  muted.frame({ from: 1, sender, messages: [] }, 10);
  expect(seen).toEqual([{ ...sender, checkpoint: null }, sender]);
});

describe('a misbehaving node', () => {
  const options = { deadlineMs: 5000, idempotencyKey: 'k' };

  function nodeThat(...misbehaviours: Misbehaviour[]) {
    const real = new FakeNode();
    return { real, node: misbehaving(real, (how) => misbehaviours.includes(how)) };
  }

  test('is the real one as long as nothing is in force', async () => {
    const { real, node } = nodeThat();
    const { id } = await node.create({ key: 'a', value: 'b' }, options);
    await node.get(id, 'linearizable', options);
    expect(node.status()).toEqual(real.status());
    expect(
      real.calls.map(({ method, consistency, options: of }) => [method, consistency ?? of?.idempotencyKey]),
    ).toEqual([
      ['create', 'k'],
      ['get', 'linearizable'],
    ]);
  });

  test('stale-reads: a linearizable read is answered from what there is', async () => {
    const { real, node } = nodeThat('stale-reads');
    await node.list({ limit: 10 }, 'linearizable', options);
    expect(real.calls.at(-1)).toMatchObject({ method: 'list', consistency: 'stale' });
  });

  test('forget-idempotency: the key does not reach the log', async () => {
    const { real, node } = nodeThat('forget-idempotency');
    await node.create({ key: 'a', value: 'b' }, options);
    expect(real.calls.at(-1)!.options).toEqual({ deadlineMs: 5000 });
  });

  test('lose-writes: one in ten is answered like the others and not made', async () => {
    const { real, node } = nodeThat('lose-writes');
    const answers = [];
    for (let i = 0; i < 20; i++) answers.push(await node.create({ key: 'a', value: `${i}` }, options));
    expect(answers.map(({ value }) => value)).toEqual(Array.from({ length: 20 }, (_, i) => `${i}`));
    expect(real.calls.filter(({ method }) => method === 'create')).toHaveLength(18);
    for (let i = 0; i < 9; i++) await node.update(answers[0]!.id, { value: 'new' }, options);
    expect(await node.update(answers[0]!.id, { value: 'newest' }, options)).toMatchObject({ value: 'newest' });
    expect((await real.get(answers[0]!.id, 'stale', options)).value).toBe('new');
  });
});
