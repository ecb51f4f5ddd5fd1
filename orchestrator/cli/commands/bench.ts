/** `bench`: measures, and leaves the judgement to whoever reads. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Bench, BenchResult, Metric } from '../../../benchmarks/bench.ts';
import { benches } from '../../../benchmarks/index.ts';
import { suggestion } from '../../scenario/problems.ts';
import { type Context, note, print, printJson } from '../context.ts';
import { EXIT, type ExitCode } from '../exit_code.ts';
import { columns } from '../terminal.ts';

export async function benchCommand(
  context: Context,
  name: string | undefined,
  flags: { readonly json: boolean },
): Promise<ExitCode> {
  if (name === undefined) {
    const all = await Promise.all(Object.values(benches).map((load) => load()));
    const list = all.map(({ name: known, summary }) => ({ name: known, summary }));
    if (flags.json) printJson(context, { benches: list });
    else print(context, columns(list.map(({ name: known, summary }) => [known, summary])));
    return EXIT.pass;
  }
  const load = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (load === undefined) {
    const names = Object.keys(benches);
    note(context, `unknown benchmark "${name}": expected ${names.join(', ')}${suggestion(name, names)}`);
    return EXIT.usage;
  }
  const runId = `bench-${name}-${randomBytes(2).toString('hex')}`;
  const directory = join(context.directories.base, 'bench', runId);
  mkdirSync(directory, { recursive: true });
  context.signals.watch(directory);
  const result = await measure(context, await load(), { directory, runId });
  if (flags.json) printJson(context, { ...result, notes: [machine(), ...result.notes] });
  else print(context, table(result));
  return EXIT.pass;
}

async function measure(
  context: Context,
  bench: Bench,
  given: { readonly directory: string; readonly runId: string },
): Promise<BenchResult> {
  const { signal } = context.signals;
  try {
    return await bench.run({ ...given, root: context.root, signal, onProgress: (what) => note(context, what) });
  } catch (error) {
    // Whatever a child that was ended with this command says, it was ended.
    signal.throwIfAborted();
    throw error;
  } finally {
    rmSync(given.directory, { recursive: true, force: true });
  }
}

function table({ metrics, notes }: BenchResult): string {
  const rows = metrics.map((metric) => [metric.name, figure(metric.value), metric.unit, comparison(metric)]);
  return [columns(rows), '', machine(), ...notes].join('\n');
}

function comparison({ peer, peer_value, ratio }: Metric): string {
  if (peer === null || peer_value === null || ratio === null) return '';
  return `${peer} ${figure(peer_value)}, ratio ${ratio.toFixed(2)}`;
}

function figure(value: number): string {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

function machine(): string {
  const memory = Math.round(totalmem() / 2 ** 30);
  return `${availableParallelism()} cores, ${memory} GiB, ${process.platform}, Node ${process.version}`;
}
