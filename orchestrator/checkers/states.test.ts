import { expect, test } from '@jest/globals';
import { compareStates } from './states.ts';

const states = (...hashes: string[]) => hashes.map((hash, node) => ({ node, index: 7, hash }));

test('equal hashes at one index are equal states', () => {
  expect(compareStates(states('a', 'a', 'a'))).toMatchObject({ result: 'equal', index: 7, distinct: 1, odd: [] });
});

test('the nodes that differ from most are named', () => {
  const comparison = compareStates(states('a', 'b', 'a', 'a', 'c'));
  expect(comparison).toMatchObject({ result: 'different', distinct: 3, odd: [1, 4] });
  expect(comparison.reason).toContain('3 different states at index 7, odd: node 1, node 4 (node 0 a, node 1 b');
});

test('without a majority every node is odd', () => {
  const comparison = compareStates(states('a', 'b'));
  expect(comparison).toMatchObject({ result: 'different', distinct: 2, odd: [0, 1] });
  expect(comparison.reason).toContain('none of them the most common');
});

test('at different indices nothing can be said', () => {
  const comparison = compareStates([...states('a', 'a'), { node: 2, index: 8, hash: 'a' }]);
  expect(comparison).toMatchObject({ result: 'not comparable', index: null, distinct: null, odd: [] });
  expect(comparison.reason).toBe('the nodes applied different entries: node 0 at 7, node 1 at 7, node 2 at 8');
  expect(compareStates([])).toMatchObject({ result: 'not comparable', reason: 'no node gave its state' });
});
