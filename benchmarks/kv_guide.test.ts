import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { figure, profilePart, replacePart, resultInMarkdown } from './kv_guide.ts';

test('a result becomes a table and a list; sentences on targets are in the table already', () => {
  const metric = { name: 'writes_per_second', value: 9100, unit: 'writes/s', peer: 'etcd', peer_value: 4550, ratio: 2 };
  const notes = ['target met: writes_per_second, ratio at least 2: 2.00', '2 cores'];
  expect(resultInMarkdown({ bench: 'kv', metrics: [metric], notes }).split('\n')).toEqual([
    ...['| Metric | Store | Beside | Ratio | Target |', '|---|---|---|---|---|'],
    ...['| `writes_per_second` | 9,100 writes/s | 4,550 writes/s (etcd) | 2.00 | ratio at least 2 |', '', '- 2 cores'],
  ]);
});

test.each([
  [0.000123, 'seconds', '123 µs'],
  [0.01234, 'seconds', '12.3 ms'],
  [2.5, 'seconds', '2.50 s'],
  [149_900_000, 'bytes', '149.9 MB'],
  [0.0042, 'cores', '0.0042 cores'],
])('%d %s is %s', (value, unit, text) => expect(figure(value, unit)).toBe(text));

test('a part is replaced between its marks, and nothing else', () => {
  const guide = 'a\n<!-- begin kv -->\nold\n<!-- end kv -->\nb\n';
  expect(replacePart(guide, 'kv', 'new\n')).toBe('a\n<!-- begin kv -->\nnew\n<!-- end kv -->\nb\n');
  expect(() => replacePart(guide, 'profile', 'new')).toThrow('begin profile');
});

test('of a profile the guide has the leader and one follower', () => {
  const summary = '### node 0, a follower: 1\nx\n\n### node 1, the leader: 2\ny\n\n### node 2, a follower: 3\nz\n';
  expect(profilePart(summary)).toBe('### node 1, the leader: 2\ny\n\n\n### node 0, a follower: 1\nx\n\n');
});

test('the guide has every part', () => {
  const guide = readFileSync(join(import.meta.dirname, '../docs/guides/performance.md'), 'utf8');
  for (const name of ['kv', 'kv-memory', 'profile']) expect(replacePart(guide, name, 'new')).not.toBe(guide);
});
