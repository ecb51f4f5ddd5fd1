import { beforeEach, expect, test } from '@jest/globals';
import { Prng } from '../../../kit/prng.ts';
import type { Message, NodeId } from '../core/raft/types.ts';
import type { Transport } from '../transport/transport.ts';
import { FaultyTransport, type MessageFaults } from './faulty-transport.ts';

let faults: MessageFaults;
let sent: { readonly to: NodeId; readonly terms: number[] }[];
let connected: boolean;

const wire: Transport = {
  setPeers: () => {},
  send: (to, messages) => {
    if (!connected) return messages;
    sent.push({ to, terms: messages.map(({ term }) => term) });
    return [];
  },
  call: async () => null,
  connected: () => connected,
  close: async () => {},
};

beforeEach(() => {
  faults = {};
  sent = [];
  connected = true;
});

/** Messages are told apart by their terms. */
const message = (term: number): Message => ({ type: 'heartbeatAck', from: 0, to: 1, term, readRound: 0 });
const transport = () => new FaultyTransport(wire, () => faults, new Prng(7));
const terms = () => sent.flatMap((frame) => frame.terms);

function sendMany(to: NodeId, through: FaultyTransport, count = 200): void {
  for (let term = 1; term <= count; term++) expect(through.send(to, [message(term)])).toEqual([]);
}

test('without faults everything passes as it is, empty frames too', () => {
  const through = transport();
  through.send(1, []);
  through.send(1, [message(1), message(2)]);
  expect(sent).toEqual([
    { to: 1, terms: [] },
    { to: 1, terms: [1, 2] },
  ]);
});

test('loss: a share of the messages to the chosen peers never leaves, and nobody is told', () => {
  faults = { loss: 0.5, to: [1] };
  const through = transport();
  sendMany(1, through);
  const lost = 200 - terms().length;
  expect(lost).toBeGreaterThan(60);
  expect(lost).toBeLessThan(140);
  sent = [];
  sendMany(2, through);
  expect(terms()).toHaveLength(200);
});

test('duplication: a copy leaves with its original, in one call', () => {
  faults = { duplicate: 0.5 };
  sendMany(1, transport());
  const copied = sent.filter(({ terms: of }) => of.length === 2);
  expect(copied.length).toBeGreaterThan(60);
  for (const { terms: of } of copied) expect(of[0]).toBe(of[1]);
  expect(new Set(terms()).size).toBe(200);
});

test('reordering: what is held back is overtaken, comes once, and is not kept when nothing overtakes it', async () => {
  faults = { reorder: 0.3, duplicate: 0.3 };
  const through = transport();
  sendMany(1, through);
  const order = [...new Set(terms())];
  expect(order.some((term, i) => i > 0 && term < order[i - 1]!)).toBe(true);
  faults = { reorder: 1 };
  through.send(1, [message(999)]);
  expect(terms()).not.toContain(999);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(terms().filter((term) => term === 999)).toHaveLength(1);
  expect(new Set(terms()).size).toBe(201);
  await through.close();
});

test('a message that was held back is never copied: a copy could come to another start of the receiver', async () => {
  faults = { reorder: 0.5, duplicate: 0.5 };
  const through = transport();
  sendMany(1, through);
  await through.close();
  const seen = new Map<number, number[]>();
  for (const [frame, { terms: of }] of sent.entries())
    for (const term of of) seen.set(term, [...(seen.get(term) ?? []), frame]);
  for (const frames of seen.values()) expect(new Set(frames).size).toBe(1);
});

test('what certainly did not leave is told, once; of what is held back nothing is', () => {
  connected = false;
  faults = { duplicate: 1 };
  const [first, second] = [message(1), message(2)];
  expect(transport().send(1, [first, second])).toEqual([first, second]);
  faults = { loss: 1 };
  expect(transport().send(1, [first])).toEqual([]);
});

test('the same seed disturbs the same messages', () => {
  faults = { loss: 0.5 };
  sendMany(1, transport());
  const first = terms();
  sent = [];
  sendMany(1, transport());
  expect(terms()).toEqual(first);
});
