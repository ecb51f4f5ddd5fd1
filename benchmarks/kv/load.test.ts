import { expect, test } from '@jest/globals';
import { parseGrpcResult } from './grpc.ts';
import { parseSummary } from './load.ts';

const duration = { avg: 9, min: 1, med: 8.5, max: 60, 'p(95)': 20, 'p(99)': 27.5 };

function summary(metrics: Record<string, Record<string, number>>): string {
  return JSON.stringify({
    metrics: Object.fromEntries(Object.entries(metrics).map(([name, values]) => [name, { values }])),
  });
}

test("k6's summary: what failed, or came before, is no operation; latencies become seconds, every node has its count", () => {
  const text = summary({
    http_reqs: { count: 2006, rate: 250.75 },
    'http_reqs{scenario:load}': { count: 1003 },
    'failures{scenario:load}': { count: 3 },
    'dropped_iterations{scenario:load}': { count: 7 },
    http_req_duration: { ...duration, med: 100 },
    'http_req_duration{scenario:load}': duration,
    'http_reqs{scenario:load,node:0}': { count: 502 },
    'http_reqs{scenario:load,node:1}': { count: 501 },
  });
  expect(parseSummary(text, 3, 4)).toEqual({
    ...{ operations: 1000, failures: 3, dropped: 7, perSecond: 250, share: 0.5 },
    ...{ p50Seconds: 0.0085, p95Seconds: 0.02, p99Seconds: 0.0275, byNode: [502, 501, 0] },
  });
});

test('nothing failed, nothing was dropped: k6 leaves those metrics out', () => {
  const text = summary({
    http_reqs: { count: 8 },
    'http_reqs{scenario:load}': { count: 8 },
    'http_req_duration{scenario:load}': duration,
  });
  expect(parseSummary(text, 1, 4)).toMatchObject({ operations: 8, failures: 0, dropped: 0, perSecond: 2, share: 1 });
});

test('a k6 that asked nothing has measured nothing', () => {
  expect(() => parseSummary(summary({}), 3, 4)).toThrow('no request');
});

test("the gRPC client's result is the last line of its log", () => {
  const result = { operations: 900, failures: 0, seconds: 3, p50Seconds: 0.1, p95Seconds: 0.2, p99Seconds: 0.3 };
  expect(parseGrpcResult(`{"level":"warn"}\n${JSON.stringify({ ...result, byNode: [300, 300, 300] })}\n`)).toEqual({
    ...{ operations: 900, failures: 0, dropped: 0, perSecond: 300, byNode: [300, 300, 300] },
    ...{ p50Seconds: 0.1, p95Seconds: 0.2, p99Seconds: 0.3 },
  });
});
