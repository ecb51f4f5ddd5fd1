/** `drill`: proves alerts red under their faults and green on a healthy run. */

import { DrillLedger } from '../../drill/ledger.ts';
import { causeOf, type DrillOutcome, describeFault, drillOutcome } from '../../drill/outcome.ts';
import { type Drill, expectedMs, healthyBeside, planDrills } from '../../drill/plan.ts';
import { drillTable } from '../../drill/table.ts';
import { scenarioLoader } from '../../run/project.ts';
import type { RunRecord } from '../../run/record.ts';
import { readRules } from '../../run/rules.ts';
import { seriesRules } from '../../run/series_rules.ts';
import { ruleFiles } from '../../run/systems.ts';
import type { LoadedScenario } from '../../scenario/load.ts';
import { formatDuration } from '../../verdict/duration.ts';
import type { AlertingRule } from '../../verdict/rules.ts';
import { type Context, note, print, printJson } from '../context.ts';
import { EXIT, type ExitCode, exitCodeOfRun, UsageError, worstExitCode } from '../exit_code.ts';
import { contextOf, type SystemFlags } from '../system_choice.ts';
import { columns } from '../terminal.ts';
import { runOne } from './run.ts';

export interface DrillFlags extends SystemFlags {
  readonly all: boolean;
  readonly list: boolean;
  readonly json: boolean;
  /** False with `--no-healthy`: red only. */
  readonly healthy: boolean;
  readonly seed?: number;
  readonly keep: boolean;
}

/** A drill with its scenario read and checked. */
interface LoadedDrill extends Drill {
  readonly loaded: LoadedScenario;
}

export async function drillCommand(command: Context, names: readonly string[], flags: DrillFlags): Promise<ExitCode> {
  if (names.length === 0 && !flags.all && !flags.list)
    throw new UsageError('name alerts, or say --all; `gameday drill --list` shows them');
  if (names.length > 0 && flags.all) throw new UsageError('--all means every alert: leave the names out, or --all');
  const context = await contextOf(command, flags);
  const drills = await loadDrills(context, planDrills(await drilledRules(context, names), names));
  if (flags.list) return list(context, drills, flags);
  const healthy = flags.healthy ? await loadHealthy(context, drills) : [];
  showPlan(context, drills, healthy);
  const runs = await runAll(context, [...healthy, ...drills.map(({ loaded }) => loaded)], flags);
  const outcomes = drills.flatMap(({ scenario, alerts }) => {
    const run = runs.get(scenario);
    return run === undefined
      ? []
      : alerts.map((alert) => drillOutcome(alert, scenario, run, runs.get(healthyBeside(scenario))));
  });
  new DrillLedger(context.directories.base).note(outcomes);
  const exitCode = exitCodeOf(outcomes, [...runs.values()]);
  if (flags.json) printJson(context, { exitCode, drills: outcomes });
  else if (outcomes.length > 0) print(context, `\n${drillTable(outcomes, context.terminal.outColors)}`);
  if (context.signals.signal.aborted && !flags.json) note(context, 'ended before all drills had run');
  return exitCode;
}

/** The alerting rules of every system, each once. */
export async function allRules({ root, systems }: Context): Promise<Map<string, AlertingRule>> {
  const manifests = await systems.manifests();
  const own = manifests.flatMap(({ files }) => files.rules);
  const series = manifests.flatMap(seriesRules);
  return new Map((await readRules(root, ruleFiles(root, systems.home, own), series)).alerts);
}

/** Those that were named; without names those whose drills this home has: a shared alert may be drilled elsewhere. */
async function drilledRules(context: Context, names: readonly string[]): Promise<Map<string, AlertingRule>> {
  const rules = await allRules(context);
  if (names.length > 0) return rules;
  const here = new Set(context.catalogue.list().map(({ name }) => name));
  return new Map([...rules].filter(([, { annotations }]) => here.has(annotations.drill ?? '')));
}

async function loadDrills(context: Context, drills: readonly Drill[]): Promise<LoadedDrill[]> {
  // One after the other: mistakes are reported in the order of the rules.
  const found: LoadedDrill[] = [];
  for (const drill of drills) found.push({ ...drill, loaded: await loadScenario(context, drill.scenario) });
  return found;
}

async function loadHealthy(context: Context, drills: readonly Drill[]): Promise<LoadedScenario[]> {
  const names = [...new Set(drills.map(({ scenario }) => healthyBeside(scenario)))];
  return Promise.all(names.map((name) => loadScenario(context, name)));
}

async function loadScenario(context: Context, name: string): Promise<LoadedScenario> {
  const [entry] = context.catalogue.find([name], context.systems.home);
  return scenarioLoader(context.root, context.systems).load(entry!.file, { ci: true, timeScale: 1 });
}

function faultsText({ loaded }: LoadedDrill): string {
  const { faults, load } = loaded.scenario;
  return faults.length === 0 ? `load ${load.script}` : faults.map(describeFault).join(', ');
}

function list(context: Context, drills: readonly LoadedDrill[], flags: DrillFlags): ExitCode {
  const rows = drills.flatMap((drill) =>
    drill.alerts.map((alert) => {
      const { scenario } = drill.loaded;
      const during = scenario.criteria.find((each) => each.alert === alert)?.during;
      return { alert, scenario: drill.scenario, fault: causeOf(during, scenario) };
    }),
  );
  if (flags.json) printJson(context, { drills: rows });
  else {
    const { outColors } = context.terminal;
    const cells = rows.map(({ alert, scenario, fault }) => [alert, scenario, fault]);
    const paint = (cell: string, _column: number, row: number) => (row === 0 ? outColors.dim(cell) : cell);
    print(context, columns([['alert', 'drill', 'fault'], ...cells], paint));
  }
  return EXIT.pass;
}

function showPlan(context: Context, drills: readonly LoadedDrill[], healthy: readonly LoadedScenario[]): void {
  const line = (name: string, { scenario }: LoadedScenario, what: string) => [
    name,
    formatDuration(expectedMs(scenario)),
    what,
  ];
  const rows = [
    ...healthy.map((loaded) => line(nameOf(loaded), loaded, 'no fault: every alert silent')),
    ...drills.map((drill) => line(drill.scenario, drill.loaded, `${faultsText(drill)}: ${drill.alerts.join(', ')}`)),
  ];
  const totalMs = [...healthy, ...drills.map(({ loaded }) => loaded)].reduce(
    (sum, { scenario }) => sum + expectedMs(scenario),
    0,
  );
  note(
    context,
    `${columns(rows)}\n${rows.length} ${rows.length === 1 ? 'run' : 'runs'}, about ${formatDuration(totalMs)} in all\n`,
  );
}

/** `kv/drills/healthy`, as annotations name a scenario. */
function nameOf({ file }: LoadedScenario): string {
  return file.replace(/^scenarios[/\\]|\.ya?ml$/g, '').replaceAll('\\', '/');
}

/** Records by the scenario's name; those that an interruption left out are missing. */
async function runAll(
  context: Context,
  scenarios: readonly LoadedScenario[],
  flags: DrillFlags,
): Promise<Map<string, RunRecord>> {
  const records = new Map<string, RunRecord>();
  const { seed, keep } = flags;
  for (const loaded of scenarios) {
    if (context.signals.signal.aborted) break;
    const { record } = await runOne(context, loaded, { keep, ...(seed === undefined ? {} : { seed }) });
    records.set(nameOf(loaded), record);
  }
  return records;
}

const EXIT_OF = { pass: EXIT.pass, fail: EXIT.fail, inconclusive: EXIT.inconclusive } as const;

/** What the chosen alerts did counts, not the other criteria of their scenarios; and runs that never came to a verdict. */
function exitCodeOf(outcomes: readonly DrillOutcome[], runs: readonly RunRecord[]): ExitCode {
  const broken = runs.filter(({ error, interrupted }) => error !== undefined || interrupted !== undefined);
  return worstExitCode([
    ...outcomes.map(({ result }) => EXIT_OF[result]),
    ...broken.map((record) => exitCodeOfRun(record, false)),
  ]);
}
