import { expect, test } from '@jest/globals';
import { formatIndices, parseIndices } from './indices.ts';

test.each([
  [[], 'none'],
  [[0], '0'],
  [[3, 7, 12, 13, 14, 18], '3,7,12-14,18'],
  [[1, 2], '1-2'],
])('%j is written %s, and read back', (indices, text) => {
  expect(formatIndices(indices)).toBe(text);
  expect(parseIndices(text)).toEqual(indices);
});

test('order and repetition do not matter', () => {
  expect(parseIndices('7,3-5,4')).toEqual([3, 4, 5, 7]);
});

test.each(['', 'a', '3,', '5-3', '-1', '1.5', '3 4', '99999999'])('%j is no set of positions', (text) => {
  expect(parseIndices(text)).toBeNull();
});
