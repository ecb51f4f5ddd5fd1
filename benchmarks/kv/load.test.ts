import { expect, test } from '@jest/globals';
import { parseGrpcResult } from './grpc.ts';
import { parseSummary } from './load.ts';

const duration = { avg: 9, min: 1, med: 8.5, max: 60, 'p(95)': 20, 'p(99)': 27.5 };

function summary(metrics: Record<string, Record<string, number>>): string {
  return JSON.stringify({
    state: { testRunDurationMs: 4000 },
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, values]) => [name, { values }])),
  });
}

test("k6's summary: what failed is no operation, latencies become seconds, every node has its count", () => {
  const text = summary({
    http_reqs: { count: 1003, rate: 250.75 },
    failures: { count: 3 },
    dropped_iterations: { count: 7 },
    http_req_duration: duration,
    'http_reqs{node:0}': { count: 502 },
    'http_reqs{node:1}': { count: 501 },
  });
  expect(parseSummary(text, 3)).toEqual({
    ...{ operations: 1000, failures: 3, dropped: 7, perSecond: 250 },
    ...{ p50Seconds: 0.0085, p95Seconds: 0.02, p99Seconds: 0.0275, byNode: [502, 501, 0] },
  });
});

test('nothing failed, nothing was dropped: k6 leaves those metrics out', () => {
  const text = summary({ http_reqs: { count: 8, rate: 2 }, http_req_duration: duration });
  expect(parseSummary(text, 1)).toMatchObject({ operations: 8, failures: 0, dropped: 0, perSecond: 2 });
});

test('a k6 that asked nothing has measured nothing', () => {
  expect(() => parseSummary(summary({}), 3)).toThrow('no request');
});

test("the gRPC client's result is the last line of its log", () => {
  const result = { operations: 900, failures: 0, seconds: 3, p50Seconds: 0.1, p95Seconds: 0.2, p99Seconds: 0.3 };
  expect(parseGrpcResult(`{"level":"warn"}\n${JSON.stringify({ ...result, byNode: [300, 300, 300] })}\n`)).toEqual({
    ...{ operations: 900, failures: 0, dropped: 0, perSecond: 300, byNode: [300, 300, 300] },
    ...{ p50Seconds: 0.1, p95Seconds: 0.2, p99Seconds: 0.3 },
  });
});
