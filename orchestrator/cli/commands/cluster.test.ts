import { expect, test } from '@jest/globals';
import { wouldNotEnd } from './cluster.ts';

test('what would not end is named, with the command that ends it', () => {
  const left = [
    { name: 'node 1', pid: 4711, started: '1', runId: 'r' },
    { name: 'k6', pid: 4712, started: '2', runId: 'r' },
  ];
  expect(wouldNotEnd(left)).toContain('node 1 (process 4711), k6 (process 4712)');
  expect(wouldNotEnd(left)).toContain('kill 4711 4712');
});
