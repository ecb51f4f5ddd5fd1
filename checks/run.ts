/**
 * `npm test`, `npm run check` and `npm run test:full`: runs the stages of a mode one after the other and ends with a table.
 * Exit codes: 0 all passed, 1 a stage failed, 2 usage, 130 and 143 interrupted.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { closest } from 'fastest-levenshtein';
import pc from 'picocolors';
import { systems } from '../services/index.ts';
import { Processes } from './processes.ts';
import type { Selection } from './selection.ts';
import { describeTally, modes, type Stage, type StageResult } from './stages.ts';

const USAGE = `usage: npm test [-- system…] [-- --only stage]     systems: ${Object.keys(systems).join(', ')}`;
const colour = pc.createColors(process.stdout.isTTY === true && !process.env.NO_COLOR);
/** Between two plain lines of a long stage, where there is no terminal to draw on. */
const PLAIN_INTERVAL_MS = 15_000;

class UsageError extends Error {}

interface Plan {
  readonly stages: readonly Stage[];
  readonly selection: Selection;
}

interface Outcome extends StageResult {
  readonly name: string;
  readonly seconds: number;
}

function plan(parameters: readonly string[]): Plan {
  let parsed: { values: { only?: string[] }; positionals: string[] };
  try {
    const options = { only: { type: 'string', multiple: true } } as const;
    parsed = parseArgs({ args: [...parameters], options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  const [mode = 'test', ...chosen] = parsed.positionals;
  const all = modes[known('mode', mode, Object.keys(modes))] ?? [];
  const names = Object.keys(systems);
  for (const system of chosen) known('system', system, names);
  const only = parsed.values.only?.map((name) =>
    known(
      'stage',
      name,
      all.map((stage) => stage.name),
    ),
  );
  return {
    stages: only ? all.filter(({ name }) => only.includes(name)) : all,
    selection: { systems: names, chosen },
  };
}

function known(kind: string, name: string, names: readonly string[]): string {
  if (names.includes(name)) return name;
  throw new UsageError(
    `unknown ${kind} "${name}": did you mean "${closest(name, names)}"? There are: ${names.join(', ')}.`,
  );
}

async function runStage(stage: Stage, context: Omit<Parameters<Stage['run']>[0], 'onStep'>): Promise<Outcome> {
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const live = process.stdout.isTTY;
  let step = '';
  const onStep = (text: string) => {
    step = text;
  };
  const show = () => {
    const text = `  ${stage.name} ${seconds().toFixed(0)} s ${step}`;
    process.stdout.write(live ? `\r\u001b[2K${colour.dim(text.slice(0, process.stdout.columns - 1))}` : `${text}\n`);
  };
  if (live) show();
  else console.log(`  ${stage.name} …`);
  const timer = setInterval(show, live ? 250 : PLAIN_INTERVAL_MS);
  try {
    const result = await stage.run({ ...context, onStep });
    return { ...result, name: stage.name, seconds: seconds() };
  } catch (error) {
    const output = (error as Error).stack ?? String(error);
    return { ok: false, summary: 'could not run', output, name: stage.name, seconds: seconds() };
  } finally {
    clearInterval(timer);
    if (live) process.stdout.write('\r\u001b[2K');
  }
}

function line({ name, ok, seconds, summary }: Outcome): string {
  const mark = ok ? colour.green('✓ passed') : colour.red('✗ FAILED');
  return `${mark}  ${name.padEnd(12)} ${`${seconds.toFixed(1)} s`.padStart(8)}  ${summary}`;
}

async function main(): Promise<number> {
  const { stages, selection } = plan(process.argv.slice(2));
  const root = join(import.meta.dirname, '..');
  const processes = new Processes(root);
  const controller = new AbortController();
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.once(signal, () => {
      controller.abort(new Error(signal));
      console.error(`\n${signal}: ending what is running …`);
      processes.endAll().finally(() => process.exit(code));
    });
  }

  const outcomes: Outcome[] = [];
  for (const stage of stages) {
    const outcome = await runStage(stage, { root, processes, selection, signal: controller.signal });
    // The handler of the signal is about to end this process; a stage that was cut short has no result.
    if (controller.signal.aborted) await new Promise(() => {});
    if (!outcome.ok) console.log(`${outcome.output.trim()}\n`);
    console.log(line(outcome));
    outcomes.push(outcome);
  }

  const total = outcomes.reduce((sum, { seconds }) => sum + seconds, 0);
  console.log(`\n${outcomes.map(line).join('\n')}\n${''.padEnd(23)}${`${total.toFixed(1)} s`.padStart(8)}`);
  const tally = { passed: 0, failed: 0, skipped: 0 };
  for (const { tally: counted } of outcomes) {
    tally.passed += counted?.passed ?? 0;
    tally.failed += counted?.failed ?? 0;
    tally.skipped += counted?.skipped ?? 0;
  }
  console.log(describeTally(tally));
  return outcomes.every(({ ok }) => ok) ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`${error.message}\n${USAGE}`);
  process.exitCode = 2;
}
