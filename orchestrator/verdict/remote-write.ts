/** Remote write 1.0: protobuf, snappy block format. https://prometheus.io/docs/specs/prw/remote_write_spec/ */
import protobuf from 'protobufjs';
import { compress } from 'snappyjs';
import type { ExponentialHistogram } from './histogram.ts';

/** What one series is given at one moment; `stale` says that it has ended. Times in epoch milliseconds. */
export type WrittenSample =
  | { readonly timeMs: number; readonly value: number }
  | { readonly timeMs: number; readonly histogram: ExponentialHistogram }
  | { readonly timeMs: number; readonly stale: 'float' | 'histogram' };

export interface WrittenSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** In order of time. */
  readonly samples: readonly WrittenSample[];
}

/**
 * Fields and numbers of Prometheus' prompb/types.proto. Two fields that are `double` there are `fixed64` here, which is the same on the wire: a
 * stale marker is a NaN with a certain payload, and JavaScript does not promise to keep the payload of a NaN.
 */
const { WriteRequest } = protobuf.Root.fromJSON({
  nested: {
    Label: { fields: { name: { type: 'string', id: 1 }, value: { type: 'string', id: 2 } } },
    Sample: { fields: { value: { type: 'fixed64', id: 1 }, timestamp: { type: 'int64', id: 2 } } },
    BucketSpan: { fields: { offset: { type: 'sint32', id: 1 }, length: { type: 'uint32', id: 2 } } },
    Histogram: {
      fields: {
        countFloat: { type: 'double', id: 2 },
        sum: { type: 'fixed64', id: 3 },
        schema: { type: 'sint32', id: 4 },
        zeroThreshold: { type: 'double', id: 5 },
        zeroCountFloat: { type: 'double', id: 7 },
        negativeSpans: { rule: 'repeated', type: 'BucketSpan', id: 8 },
        negativeCounts: { rule: 'repeated', type: 'double', id: 10 },
        positiveSpans: { rule: 'repeated', type: 'BucketSpan', id: 11 },
        positiveCounts: { rule: 'repeated', type: 'double', id: 13 },
        timestamp: { type: 'int64', id: 15 },
      },
    },
    TimeSeries: {
      fields: {
        labels: { rule: 'repeated', type: 'Label', id: 1 },
        samples: { rule: 'repeated', type: 'Sample', id: 2 },
        histograms: { rule: 'repeated', type: 'Histogram', id: 4 },
      },
    },
    WriteRequest: { fields: { timeseries: { rule: 'repeated', type: 'TimeSeries', id: 1 } } },
  },
}).nested as { readonly WriteRequest: protobuf.Type };

interface Bits {
  readonly low: number;
  readonly high: number;
  readonly unsigned: boolean;
}

/** value.StaleNaN of Prometheus: 0x7ff0000000000002. */
const STALE: Bits = { low: 2, high: 0x7ff00000, unsigned: true };
/** value.NormalNaN: 0x7ff8000000000001. */
const NOT_A_NUMBER: Bits = { low: 1, high: 0x7ff80000, unsigned: true };

function bitsOf(value: number): Bits {
  if (Number.isNaN(value)) return NOT_A_NUMBER;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return { high: view.getUint32(0), low: view.getUint32(4), unsigned: true };
}

/** The body of one request. */
export function encodeWriteRequest(series: readonly WrittenSeries[]): Uint8Array {
  const timeseries = series.map(({ labels, samples }) => ({
    // The receiver requires labels in the order of their names, compared as bytes.
    labels: Object.entries(labels)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, value]) => ({ name, value })),
    samples: samples.flatMap(floatSample),
    histograms: samples.flatMap(histogramSample),
  }));
  return compress(WriteRequest.encode({ timeseries }).finish());
}

function floatSample(sample: WrittenSample): { value: Bits; timestamp: number }[] {
  if ('value' in sample) return [{ value: bitsOf(sample.value), timestamp: sample.timeMs }];
  if ('stale' in sample && sample.stale === 'float') return [{ value: STALE, timestamp: sample.timeMs }];
  return [];
}

function histogramSample(sample: WrittenSample): object[] {
  if ('histogram' in sample) {
    const { count, zeroCount, sum, ...rest } = sample.histogram;
    return [{ ...rest, countFloat: count, zeroCountFloat: zeroCount, sum: bitsOf(sum), timestamp: sample.timeMs }];
  }
  // A histogram's stale marker is its sum.
  if ('stale' in sample && sample.stale === 'histogram')
    return [{ countFloat: 0, zeroCountFloat: 0, sum: STALE, schema: 0, timestamp: sample.timeMs }];
  return [];
}
