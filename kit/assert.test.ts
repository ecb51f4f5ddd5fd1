import { expect, test } from '@jest/globals';
import { AssertionError, assert } from './assert.ts';

test('a true condition passes, a false one throws with its message', () => {
  assert(1 + 1 === 2, 'arithmetic');
  expect(() => assert(false, 'broken')).toThrow(new AssertionError('broken'));
});
