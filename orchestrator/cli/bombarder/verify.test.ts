import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import type { NodeStatus } from '../../../services/kv/api.ts';
import { verify } from './verify.ts';

type State = Pick<NodeStatus, 'applied_index' | 'state_hash'> & { readonly checkpoint?: NodeStatus['checkpoint'] };

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A node that says of itself, look after look, what it is given; the last one stays. */
async function node(id: number, ...states: readonly State[]): Promise<string> {
  let looks = 0;
  const server = createServer((_request, response) => {
    const state = states[Math.min(looks, states.length - 1)]!;
    looks += 1;
    const fixed = { node_id: id, role: 'follower', entries: 3, checkpoint: { index: 0, hash: '' } };
    response.end(JSON.stringify({ ...fixed, ...state }));
  });
  servers.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const at = (index: number, hash: string, checkpoint?: NodeStatus['checkpoint']): State => ({
  ...{ applied_index: index, state_hash: hash },
  ...(checkpoint ? { checkpoint } : {}),
});

const look = (urls: readonly string[], withinMs: number) => verify(urls, new AbortController().signal, withinMs);

describe('verify', () => {
  test('waits until all have applied as much', async () => {
    const urls = [await node(0, at(5, 'a')), await node(1, at(3, 'x'), at(4, 'y'), at(5, 'a'))];
    expect(await look(urls, 5000)).toMatchObject({
      ...{ result: 'equal', index: 5, sentence: 'both nodes have the same state, a at index 5' },
      nodes: [{ state_hash: 'a' }, { applied_index: 5, state_hash: 'a' }],
    });
  });

  test('under constant writes: at the shared checkpoint', async () => {
    const checkpoint = { index: 256, hash: 'c' };
    const urls = await Promise.all([300, 310, 320].map((index, id) => node(id, at(index, `h${index}`, checkpoint))));
    expect(await look(urls, 5000)).toMatchObject({ result: 'equal', index: 256 });
  });

  test('names the odd node', async () => {
    const urls = [await node(0, at(5, 'a')), await node(1, at(5, 'b')), await node(2, at(5, 'a'))];
    const { result, sentence } = await look(urls, 5000);
    expect(result).toBe('different');
    expect(sentence).toMatch(/^node 1 \(127\.0\.0\.1:\d+\) has b at index 5, where the majority has a$/);
  });

  test('of nodes that tell it otherwise, in whatever words', async () => {
    const none = { index: 0, hash: '' };
    const ask = async (url: string, node: number) => ({
      ...{ node_id: node, role: '–', entries: null, checkpoint: none },
      ...{ applied_index: 7, state_hash: url.endsWith('c') ? 'odd' : 'even' },
    });
    const { result, sentence, nodes } = await verify(
      ['http://a', 'http://b', 'http://c'],
      new AbortController().signal,
      5000,
      ask,
    );
    expect(result).toBe('different');
    expect(sentence).toBe('node 2 (c) has odd at index 7, where the majority has even');
    expect(nodes[0]).toMatchObject({ node: 0, reachable: true, entries: null });
  });

  test('no index in common: nothing is concluded', async () => {
    const urls = [await node(0, at(5, 'a')), await node(1, at(6, 'a'))];
    const { result, index, sentence } = await look(urls, 0);
    expect([result, index]).toEqual(['inconclusive', null]);
    expect(sentence).toContain('no index was seen at every node; last applied: node 0');
  });

  test('a node that does not answer: nothing is concluded, though the others agree', async () => {
    const urls = [await node(0, at(5, 'a')), 'http://127.0.0.1:1', await node(2, at(5, 'a'))];
    expect(await look(urls, 0)).toMatchObject({
      ...{ result: 'inconclusive', sentence: '127.0.0.1:1 does not answer; the other 2 agree' },
      nodes: [{ state_hash: 'a' }, { reachable: false, state_hash: null }, { state_hash: 'a' }],
    });
  });

  test('a difference among those that answer is one', async () => {
    const urls = [await node(0, at(5, 'a')), 'http://127.0.0.1:1', await node(2, at(5, 'b'))];
    const { result, sentence } = await look(urls, 0);
    expect(result).toBe('different');
    expect(sentence).toContain('no majority says which one is right');
  });
});
