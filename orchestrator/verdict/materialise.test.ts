import { expect, test } from '@jest/globals';
import protobuf from 'protobufjs';
import { uncompress } from 'snappyjs';
import { exponentialHistogram } from './histogram.ts';
import { judgedExpression, recorded } from './materialise.ts';
import { encodeWriteRequest } from './remote-write.ts';
import { parseRules } from './rules.ts';

const rules = parseRules(
  [
    {
      name: 'r.yml',
      text: 'groups: [{ name: g, rules: [{ record: "a:b", expr: "x + c:d", labels: { k: v, gone: "" } }, { record: "c:d", expr: x }] }]',
    },
  ],
  1000,
);
const rule = rules.recordings.get('a:b')![0]!;
const grid = { fromMs: 0, toMs: 5000, stepMs: 1000 };

test('recorded names are replaced by names of the judge', () => {
  expect(judgedExpression(rule, rules)).toBe('x + judged:c:d');
});

test('a result that ends gets a stale marker at the next evaluation, except at the end of the grid', () => {
  const points = [
    [1000, 1],
    [2000, Number.NaN],
    [4000, 3],
    [5000, 4],
  ] as const;
  expect(recorded(rule, [{ labels: { __name__: 'x', i: 'a', gone: 'y' }, points, histograms: [] }], grid)).toEqual([
    {
      labels: { __name__: 'judged:a:b', i: 'a', k: 'v' },
      samples: [
        { timeMs: 1000, value: 1 },
        { timeMs: 2000, value: Number.NaN },
        { timeMs: 3000, stale: 'float' },
        { timeMs: 4000, value: 3 },
        { timeMs: 5000, value: 4 },
      ],
    },
  ]);
});

test('two results that become one series are refused', () => {
  const two = ['x', 'y'].map((name) => ({ labels: { __name__: name }, points: [[1000, 1]] as const, histograms: [] }));
  expect(() => recorded(rule, two, grid)).toThrow(expect.objectContaining({ code: 'RESULT_UNSUPPORTED' }));
});

test('on the wire a stale marker is not the NaN of a value, and labels are in order', () => {
  const body = encodeWriteRequest([
    {
      labels: { b: '1', __name__: 'm', a: '2' },
      samples: [
        { timeMs: 1, value: Number.NaN },
        { timeMs: 2, stale: 'float' },
        { timeMs: 3, value: 1.5 },
      ],
    },
  ]);
  const { WriteRequest } = protobuf.parse(
    `
    syntax = "proto3";
    message Label { string name = 1; string value = 2; }
    message Sample { fixed64 value = 1; int64 timestamp = 2; }
    message TimeSeries { repeated Label labels = 1; repeated Sample samples = 2; }
    message WriteRequest { repeated TimeSeries timeseries = 1; }
  `,
    { keepCase: true },
  ).root.nested as { WriteRequest: protobuf.Type };
  const decoded = WriteRequest.toObject(WriteRequest.decode(uncompress(body)), { longs: String });
  const bits = (value: string) => BigInt(value).toString(16);
  const [series] = decoded.timeseries as { labels: { name: string }[]; samples: { value: string }[] }[];
  expect(series!.labels.map(({ name }) => name)).toEqual(['__name__', 'a', 'b']);
  expect(series!.samples.map(({ value }) => bits(value))).toEqual([
    '7ff8000000000001',
    '7ff0000000000002',
    '3ff8000000000000',
  ]);
});

test('a native histogram of an answer becomes the stored one', () => {
  const edge = (index: number) => String(2 ** (index / 4));
  const histogram = exponentialHistogram({
    count: '10.5',
    sum: '12',
    buckets: [
      [1, `-${edge(3)}`, `-${edge(2)}`, '1'],
      [3, '-0.001', '0.001', '2'],
      [0, edge(-1), edge(0), '3'],
      [0, edge(0), edge(1), '0.5'],
      [0, edge(8), edge(9), '4'],
    ],
  });
  expect(histogram).toEqual({
    ...{ schema: 2, count: 10.5, sum: 12, zeroThreshold: 0.001, zeroCount: 2 },
    positiveSpans: [
      { offset: 0, length: 2 },
      { offset: 7, length: 1 },
    ],
    positiveCounts: [3, 0.5, 4],
    negativeSpans: [{ offset: 3, length: 1 }],
    negativeCounts: [1],
  });
  expect(exponentialHistogram({ count: '0', sum: '0' })).toMatchObject({ schema: 8, positiveSpans: [] });
});

test.each([
  ['custom edges', [0, '0.1', '0.25', '1']],
  ['an open end', [0, '0', '0.25', '1']],
  ['an infinite end', [3, '-Inf', '0.25', '1']],
])('a histogram with %s is refused', (_, bucket) => {
  const histogram = { count: '1', sum: '1', buckets: [bucket as [number, string, string, string]] };
  expect(() => exponentialHistogram(histogram)).toThrow(expect.objectContaining({ code: 'RESULT_UNSUPPORTED' }));
});
