import { describe, expect, test } from '@jest/globals';
import { Prng } from '../../kit/prng.ts';
import { edgesOf } from './edges.ts';
import { chooseTargets, divide, type TargetNode } from './target.ts';
import type { FaultNode, Strike } from './types.ts';

const node = (index: number, leads = false, state: TargetNode['state'] = 'running'): TargetNode => ({
  index,
  state,
  hasRole: async (role) => role === 'leader' && leads,
});

const THREE = [node(0), node(1, true), node(2)];

async function chosen(target: string, nodes = THREE, seed = 1): Promise<number[]> {
  return (await chooseTargets(target, nodes, new Prng(seed))).map(({ index }) => index);
}

describe('a target', () => {
  test.each([
    ['leader', [1]],
    ['followers', [0, 2]],
    ['all', [0, 1, 2]],
    ['node:2', [2]],
  ])('%s', async (target, expected) => {
    expect(await chosen(target)).toEqual(expected);
  });

  test('any and follower are chosen by the seed, and every one can be', async () => {
    const seeds = Array.from({ length: 40 }, (_, seed) => seed);
    const any = new Set((await Promise.all(seeds.map((seed) => chosen('any', THREE, seed)))).flat());
    const follower = new Set((await Promise.all(seeds.map((seed) => chosen('follower', THREE, seed)))).flat());
    expect([...any].sort()).toEqual([0, 1, 2]);
    expect([...follower].sort()).toEqual([0, 2]);
    expect(await chosen('any', THREE, 5)).toEqual(await chosen('any', THREE, 5));
  });

  test('only nodes that run are struck, and `all` means all of them', async () => {
    const two = [node(0, false, 'stopped'), node(1, true), node(2)];
    expect(await chosen('node:0', two)).toEqual([]);
    expect(await chosen('all', two)).toEqual([]);
    expect(await chosen('followers', two)).toEqual([]);
    expect(await chosen('follower', two)).toEqual([2]);
  });

  test('shares are filled by the seed, each node once', () => {
    const divided = divide(
      [
        { share: 0.6, size: 3 },
        { share: 0.4, size: 2 },
      ],
      5,
      new Prng(4),
    );
    expect(divided.map((group) => group.length)).toEqual([3, 2]);
    expect(divided.flat().sort()).toEqual([0, 1, 2, 3, 4]);
    const others = [5, 6, 7].map((seed) => divide([{ share: 0.5, size: 2 }], 5, new Prng(seed))[0]);
    expect(new Set(others.map(String)).size).toBeGreaterThan(1);
  });
});

describe('the ways between nodes', () => {
  const ways = (strike: Partial<Strike>) =>
    edgesOf({ nodes: [], parameters: {}, ...strike } as unknown as Strike, 3).map(({ from, to }) => `${from}${to}`);
  const zero = [{ index: 0 } as FaultNode];

  test.each([
    ['both', ['01', '02', '10', '20']],
    ['out', ['01', '02']],
    ['in', ['10', '20']],
  ] as const)('%s', (direction, expected) => {
    expect(ways({ nodes: zero, parameters: { direction } })).toEqual(expected);
  });

  test('between groups, all that cross', () => {
    expect(ways({ groups: [[0, 2], [1]] })).toEqual(['01', '10', '12', '21']);
  });
});
