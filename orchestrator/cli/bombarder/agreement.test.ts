import { describe, expect, test } from '@jest/globals';
import { StateAgreement } from './agreement.ts';

/** Per node what was seen of it: `index:hash`. */
function seen(...nodes: readonly (readonly string[])[]) {
  const agreement = new StateAgreement(nodes.length);
  for (const [node, sightings] of nodes.entries()) {
    for (const text of sightings) {
      const [index, hash] = text.split(':');
      agreement.see(node, { index: Number(index), hash: hash! });
    }
  }
  return agreement.among(nodes.map((_, node) => node));
}

describe('states are compared at one applied index', () => {
  test('equal at the newest index that all were seen at', () => {
    expect(seen(['5:a', '7:b'], ['5:a', '7:b', '9:c'], ['7:b', '5:a'])).toEqual({
      result: 'equal',
      index: 7,
      hash: 'b',
    });
  });

  test('nodes that are written to meet at their checkpoint', () => {
    expect(seen(['300:x', '256:c'], ['310:y', '256:c'], ['290:z', '256:c'])).toMatchObject({
      result: 'equal',
      index: 256,
    });
  });

  test('no common index: nothing is known, whatever the hashes', () => {
    expect(seen(['5:a'], ['6:a'])).toEqual({ result: 'unknown' });
    expect(seen(['5:a'], [])).toEqual({ result: 'unknown' });
  });

  test('the odd one is named by the majority', () => {
    expect(seen(['5:a'], ['5:b'], ['5:a'])).toEqual({ result: 'different', index: 5, odd: [1] });
  });

  test.each([
    ['of two', [['5:a'], ['5:b']]],
    ['of three that all differ', [['5:a'], ['5:b'], ['5:c']]],
    ['of four, two and two', [['5:a'], ['5:a'], ['5:b'], ['5:b']]],
  ])('without a majority nobody is: %s', (_, nodes) => {
    expect(seen(...nodes)).toEqual({ result: 'different', index: 5, odd: [] });
  });

  test('a difference between two counts, though the third was not seen there and a newer index is equal', () => {
    expect(seen(['5:a', '9:z'], ['5:b', '9:z'], ['9:z'])).toMatchObject({ result: 'different', index: 5 });
  });
});

test('memory is bounded, and a node that was restarted begins anew', () => {
  const agreement = new StateAgreement(2, 2);
  for (const index of [1, 2, 3]) agreement.see(0, { index, hash: 'a' });
  expect([1, 2, 3].map((index) => agreement.at(0, index))).toEqual([undefined, 'a', 'a']);
  agreement.see(1, { index: 3, hash: 'b' });
  expect(agreement.among([0, 1]).result).toBe('different');
  agreement.forget(1);
  expect(agreement.among([0, 1]).result).toBe('unknown');
});
