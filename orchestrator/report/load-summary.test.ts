import { expect, test } from '@jest/globals';
import { parseLoadSummary } from './load-summary.ts';

test("reads handleSummary's data", () => {
  const summary = parseLoadSummary(
    JSON.stringify({
      metrics: { d: { type: 'trend', contains: 'time', values: { avg: 1 }, thresholds: { 'p(99)<5': { ok: false } } } },
    }),
  );
  expect(summary).toEqual({
    metrics: [{ name: 'd', type: 'trend', contains: 'time', values: { avg: 1 } }],
    thresholds: [{ metric: 'd', expression: 'p(99)<5', ok: false }],
  });
});

test('reads the file of --summary-export, where true says that the threshold was crossed', () => {
  const summary = parseLoadSummary(
    JSON.stringify({ metrics: { c: { count: 3, rate: 1.5, thresholds: { 'count<1': true } } } }),
  );
  expect(summary?.metrics[0]).toEqual({
    name: 'c',
    type: 'counter',
    contains: 'default',
    values: { count: 3, rate: 1.5 },
  });
  expect(summary?.thresholds[0]?.ok).toBe(false);
});

test.each(['', '{', '[]', '{"metrics":3}', 'null'])('%j is no summary', (text) => {
  expect(parseLoadSummary(text)).toBeNull();
});
