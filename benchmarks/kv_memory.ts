/** `gameday bench kv-memory`: whether the memory of the store's nodes is flat over ten million writes. About 20 minutes. */
import { type Bench, beside, type Metric } from './bench.ts';
import { BulkClient } from './kv/bulk.ts';
import { planOf } from './kv/plan.ts';
import { usageIsKnown } from './kv/process_usage.ts';
import { ENTRIES, mebibytes, memoryOf, startCompiled } from './kv/recovery.ts';
import { verdictsOf } from './kv/targets.ts';

const MILLIONS = 10;
const MILLION = 1_000_000;

export const kvMemory: Bench = {
  name: 'kv-memory',
  summary: 'memory of the key-value store over ten million writes (about 20 minutes)',
  async run(context) {
    if (!usageIsKnown) return { bench: 'kv-memory', metrics: [], notes: ['memory is read from /proc: Linux only'] };
    const plan = await planOf(context);
    await using side = await startCompiled(plan);
    await using client = new BulkClient(side.api, side.urls);
    const handles = await client.create(ENTRIES, context.signal);
    const samples: (readonly number[])[] = [];
    for (let millions = 1; millions <= MILLIONS; millions += 1) {
      const begin = performance.now();
      await client.change(handles, MILLION, context.signal);
      samples.push(memoryOf(side));
      const perSecond = (MILLION / (performance.now() - begin)) * 1000;
      context.onProgress(`${millions} million writes: ${words(samples.at(-1)!)} (${Math.round(perSecond)} writes/s)`);
    }
    const metrics = [metricOf(samples)];
    return { bench: 'kv-memory', metrics, notes: [...verdictsOf(metrics), ...notesOf(samples)] };
  },
};

/** The peer is the store itself, nine million writes before. */
function metricOf(samples: readonly (readonly number[])[]): Metric {
  const largest = samples.map((nodes) => Math.max(...nodes));
  return beside('memory_bytes', largest.at(-1)!, 'bytes', 'after 1,000,000 writes', largest[0]!);
}

function notesOf(samples: readonly (readonly number[])[]): string[] {
  return [
    `memory_bytes: resident memory of the largest node after ${MILLIONS},000,000 writes to ${ENTRIES.toLocaleString('en')} entries`,
    ...samples.map((nodes, at) => `after ${at + 1},000,000 writes: ${words(nodes)}`),
  ];
}

function words(nodes: readonly number[]): string {
  return nodes.map(mebibytes).join(', ');
}
