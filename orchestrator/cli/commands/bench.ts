/** `bench`: measures, and leaves the judgement to whoever reads. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, rmSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import type { Bench, BenchContext, BenchResult, BenchSettings, Metric } from '../../../benchmarks/bench.ts';
import { benches } from '../../../benchmarks/index.ts';
import { suggestion } from '../../scenario/problems.ts';
import { type Context, note, print, printJson } from '../context.ts';
import { EXIT, type ExitCode, UsageError } from '../exit_code.ts';
import { columns } from '../terminal.ts';

export interface BenchFlags {
  readonly json: boolean;
  /** Names of metrics, separated by commas. */
  readonly only?: string;
  readonly pairs?: number;
  readonly seconds?: number;
  readonly profile?: string;
}

export async function benchCommand(context: Context, name: string | undefined, flags: BenchFlags): Promise<ExitCode> {
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
  const bench = await load();
  const settings = settingsOf(bench, flags, context.workingDirectory);
  const runId = `bench-${name}-${randomBytes(2).toString('hex')}`;
  const directory = join(context.directories.base, 'bench', runId);
  mkdirSync(directory, { recursive: true });
  context.signals.watch(directory);
  const result = await measure(context, bench, { directory, runId, settings });
  if (flags.json) printJson(context, { ...result, notes: [machine(), ...result.notes] });
  else print(context, table(result));
  return EXIT.pass;
}

/** @throws {UsageError} for a flag that this benchmark does not take, and for a metric that it does not measure */
function settingsOf(
  { name, selectable }: Bench,
  { json: _, only, profile, ...counts }: BenchFlags,
  workingDirectory: string,
): BenchSettings {
  const settings = {
    ...counts,
    ...(only === undefined ? {} : { only: only.split(',').map((word) => word.trim()) }),
    ...(profile === undefined ? {} : { profile: resolve(workingDirectory, profile) }),
  };
  const [flag] = Object.keys(settings);
  if (flag !== undefined && selectable === undefined) throw new UsageError(`bench ${name} takes no --${flag}`);
  const unknown = settings.only?.find((metric) => !selectable!.includes(metric));
  if (unknown === undefined) return settings;
  throw new UsageError(
    `--only ${unknown}: bench ${name} has no such metric${suggestion(unknown, selectable!)}; it has ${selectable!.join(', ')}`,
  );
}

async function measure(
  context: Context,
  bench: Bench,
  given: Pick<BenchContext, 'directory' | 'runId' | 'settings'>,
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
