/** The benchmarks, by name. */
import type { Bench } from './bench.ts';

export const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  check: async () => (await import('./check.ts')).check,
  kv: async () => (await import('./kv.ts')).kv,
  'kv-memory': async () => (await import('./kv_memory.ts')).kvMemory,
};
