/** What the sides are asked under load, and the figures that are taken of it. */
import { beside, type Metric } from '../bench.ts';
import type { Load, Measured } from './load.ts';
import { medianOf } from './pairs.ts';

export const CLIENTS = 50;
/** Entries that are read; many, so that no side answers from what it answered just now. */
export const ENTRIES = 5_000;

export interface Figure {
  readonly metric: string;
  readonly unit: string;
  readonly of: (measured: Measured) => number;
}

export interface Workload {
  readonly operation: Load['operation'];
  readonly clients: number;
  /** Beside etcd, both asked by the same script. */
  readonly figures: readonly Figure[];
  /** Beside etcd asked by its own client library. */
  readonly besideGrpc: readonly Figure[];
}

export type WorkloadName = 'writes' | 'reads' | 'mixed' | 'alone';

const seconds = (metric: string, of: Figure['of']): Figure => ({ metric, unit: 'seconds', of });
const perSecond = (metric: string, unit: string): Figure => ({ metric, unit, of: (measured) => measured.perSecond });
const nodesCpu = (metric: string) => seconds(metric, ({ usage, operations }) => (usage.nodes / operations) * 1000);

export const WORKLOADS: Readonly<Record<WorkloadName, Workload>> = {
  writes: {
    ...{ operation: 'write', clients: CLIENTS },
    figures: [
      perSecond('writes_per_second', 'writes/s'),
      seconds('write_p50_seconds_50_clients', ({ p50Seconds }) => p50Seconds),
      seconds('write_p95_seconds_50_clients', ({ p95Seconds }) => p95Seconds),
      seconds('write_p99_seconds_50_clients', ({ p99Seconds }) => p99Seconds),
      nodesCpu('cpu_seconds_per_1000_writes'),
      seconds('client_cpu_seconds_per_1000_writes', ({ usage, operations }) => (usage.client / operations) * 1000),
      {
        metric: 'fsyncs_per_1000_writes',
        unit: 'fsyncs',
        of: ({ fsyncs, operations }) => (fsyncs / operations) * 1000,
      },
    ],
    besideGrpc: [
      perSecond('writes_per_second_beside_grpc', 'writes/s'),
      nodesCpu('cpu_seconds_per_1000_writes_beside_grpc'),
    ],
  },
  reads: {
    ...{ operation: 'read', clients: CLIENTS },
    figures: [
      perSecond('reads_per_second', 'reads/s'),
      seconds('read_p99_seconds_50_clients', ({ p99Seconds }) => p99Seconds),
    ],
    besideGrpc: [perSecond('reads_per_second_beside_grpc', 'reads/s')],
  },
  mixed: {
    ...{ operation: 'mixed', clients: CLIENTS },
    figures: [perSecond('mixed_per_second', 'operations/s')],
    besideGrpc: [],
  },
  alone: {
    ...{ operation: 'write', clients: 1 },
    figures: [seconds('write_latency_p50_seconds', ({ p50Seconds }) => p50Seconds)],
    besideGrpc: [],
  },
};

/** The medians of each figure; without those that cannot be known on this machine. */
export function compared(
  figures: readonly Figure[],
  ours: readonly Measured[],
  peer: string,
  theirs: readonly Measured[],
): Metric[] {
  return figures
    .map(({ metric, unit, of }) => beside(metric, medianOf(ours, of), unit, peer, medianOf(theirs, of)))
    .filter(({ value }) => !Number.isNaN(value));
}
