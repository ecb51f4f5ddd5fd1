import { expect, test } from '@jest/globals';
import { historyOf } from './history.ts';
import { groupByKey } from './order.ts';
import { searchOnThreads } from './search_threads.ts';
import { operation } from './testing/operation.ts';

test.each([
  ['ends without a word', 'process.exit(0)', 'ended with code 0'],
  ['fails', 'throw new Error("out of luck")', 'out of luck'],
])('a thread that %s is no answer, and is not waited for', async (_, program, reason) => {
  const history = historyOf([operation('create a 0-1')]);
  const worker = new URL(`data:text/javascript,${encodeURIComponent(program)}`);
  const options = { workers: 1, timeLimitMs: 1000, signal: AbortSignal.timeout(3000), worker };
  const byKey = groupByKey(history.keys, history.keyCount);
  await expect(searchOnThreads(history, byKey, [0], options)).rejects.toThrow(reason);
});
