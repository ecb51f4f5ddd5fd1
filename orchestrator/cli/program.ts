/** The commands, their flags and their help. */
import { Command, InvalidArgumentError, Option } from 'commander';
import { intervalOption } from './bombarder/options.ts';
import { type BenchFlags, benchCommand } from './commands/bench.ts';
import { type DownFlags, downCommand, statusCommand, type UpFlags, upCommand } from './commands/cluster.ts';
import { completionCommand, SHELLS } from './commands/completion.ts';
import { doctorCommand } from './commands/doctor.ts';
import { type DrillFlags, drillCommand } from './commands/drill.ts';
import { explainCommand } from './commands/explain.ts';
import {
  FAULT_PARAMETERS,
  type FaultFlags,
  faultHealCommand,
  faultInjectCommand,
  faultListCommand,
  type InjectFlags,
} from './commands/fault.ts';
import { type InitFlags, initCommand } from './commands/init.ts';
import { addRulesCommand, exportCommand } from './commands/rules.ts';
import { type RunFlags, runCommand, startCommand } from './commands/run.ts';
import { openCommand, type RecheckFlags, recheckCommand, reportCommand } from './commands/runs.ts';
import { checkCommand, listCommand, type ScenarioFlags } from './commands/scenarios.ts';
import { verifyStandingCommand, watchStandingCommand } from './commands/standing.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit_code.ts';
import { integerFrom } from './numbers.ts';
import { withPrometheus } from './prometheus_flags.ts';
import { addSimulationCommand } from './simulation_program.ts';
import type { SystemFlags } from './system_choice.ts';

const EXIT_CODES = `
Exit codes: 0 pass, 1 fail, 2 usage, 3 inconclusive, 4 could not run, 129/130/143 interrupted.`;

/** `done` receives the exit code of the command that ran. */
export function createProgram(context: Context, version: string, done: (code: ExitCode) => void): Command {
  const program = new Command('gameday')
    .description('Puts a system under load and under fault, and lets alert rules decide whether it passed.')
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError('(gameday --help shows the commands)')
    .addHelpText(
      'after',
      `${EXIT_CODES}\n\nExamples:\n  gameday run kv/leader-kill\n  gameday run kv --ci\n  gameday open`,
    )
    .configureOutput({
      writeOut: (text) => context.terminal.stdout.write(text),
      writeErr: (text) => context.terminal.stderr.write(text),
    })
    .exitOverride();
  addRunCommands(program, context, done);
  addScenarioCommands(program, context, done);
  addAlertCommands(program, context, done);
  addRulesCommand(program, async (flags) => done(await exportCommand(context, flags)));
  addSimulationCommand(program, context, done);
  addClusterCommands(program, context, done);
  addFaultCommands(program, context, done);
  addRecordCommands(program, context, done);
  addMachineCommands(program, context, done);
  return program;
}

type Done = (code: ExitCode) => void;

function addRunCommands(program: Command, context: Context, done: Done): void {
  withRunFlags(program.command('start').argument('[system]', 'one system, or all'))
    .description('runs the scenario that shows a system best')
    .addHelpText('after', '\nExamples:\n  npm start\n  npm start -- all')
    .action(async (system: string | undefined, flags: RunFlags) => done(await startCommand(context, system, flags)));
  withPrometheus(withRunFlags(program.command('run').argument('[scenario...]', 'name, id, path, or a suite: kv, all')))
    .description('runs scenarios: load, faults, verdict, report')
    .addHelpText(
      'after',
      `${EXIT_CODES}\n\nExamples:\n  gameday run kv/leader-kill\n  gameday run kv --ci --json > result.json\n  gameday run scenarios/kv/smoke.yaml --nodes 5\n  gameday run --system ./my-system/system.ts storm`,
    )
    .action(async (words: string[], flags: RunFlags) => done(await runCommand(context, words, flags)));
}

function withSystem(command: Command): Command {
  return command.option(
    '--system <name or path>',
    'a system, or the file of its manifest; its folder is then the home',
  );
}

function withTargets(command: Command): Command {
  return withSystem(command).option(
    '--targets <urls>',
    'base URLs of nodes that run already, separated by commas; nothing is started or stopped',
    urls,
  );
}

function withRunFlags(command: Command): Command {
  return withTargets(command)
    .option('--ci', "the scenario's smaller size and shorter schedule for continuous integration", false)
    .option('--nodes <count>', 'how many nodes, instead of what the scenario says', integerFrom(1))
    .option('--seed <number>', 'repeats the choices of an earlier run', integerFrom(0))
    .addOption(
      new Option('--time-scale <factor>', 'shortens the schedule: 0.5 is half as long; objectives stay')
        .argParser(factor)
        .default(1),
    )
    .option('--json', 'one JSON document on stdout, everything else on stderr', false)
    .option('--keep', 'never delete this run; otherwise the last 30 are kept', false)
    .addOption(inconclusiveOption());
}

function inconclusiveOption(): Option {
  return new Option('--inconclusive <how>', 'warn: exit with 0 where nothing could be concluded')
    .choices(['fail', 'warn'])
    .default('fail');
}

function addScenarioCommands(program: Command, context: Context, done: Done): void {
  withSystem(program.command('list'))
    .description('shows the scenarios')
    .option('--json', 'as JSON', false)
    .action(async (flags: ScenarioFlags) => done(await listCommand(context, flags)));
  withTargets(program.command('check'))
    .description('validates manifests and scenario files without running them, and says what cannot be judged')
    .argument('[scenario...]', 'as for run; all when absent')
    .option('--json', 'as JSON', false)
    .addHelpText(
      'after',
      '\nExamples:\n  gameday check\n  gameday check scenarios/kv/leader-kill.yaml\n  gameday check --system ./my-system/system.ts',
    )
    .action(async (words: string[], flags: ScenarioFlags) => done(await checkCommand(context, words, flags)));
  program
    .command('init')
    .description("writes a manifest, scenarios, a load script and a rule for a system of one's own; never overwrites")
    .argument('<directory>', 'is made when it is not there')
    .option('--name <name>', "the system's; the directory's when absent")
    .option('--command <command>', "how a node is started, such as 'node server.mjs'")
    .addOption(
      new Option('--targets <urls>', 'base URLs of nodes that run already, separated by commas')
        .argParser(urls)
        .conflicts('command'),
    )
    .addHelpText(
      'after',
      "\nExamples:\n  gameday init my-system --command 'node server.mjs'\n  gameday init my-system --targets http://10.0.0.1:8080,http://10.0.0.2:8080",
    )
    .action((directory: string, flags: InitFlags) => done(initCommand(context, directory, flags)));
}

function addAlertCommands(program: Command, context: Context, done: Done): void {
  withTargets(program.command('drill'))
    .description('proves alerts red under their faults and green on a healthy run')
    .argument('[alert...]', 'names of alerts')
    .option('--all', 'every alert', false)
    .option('--list', 'shows which drill turns which alert red; nothing is run', false)
    .option('--no-healthy', 'without the healthy run')
    .option('--seed <number>', 'repeats the choices of an earlier run', integerFrom(0))
    .option('--json', 'one JSON document on stdout, everything else on stderr', false)
    .option('--keep', 'never delete these runs', false)
    .addHelpText(
      'after',
      `${EXIT_CODES}\n\nExamples:\n  gameday drill KvNoLeader\n  gameday drill --all\n  gameday drill --list`,
    )
    .action(async (alerts: string[], flags: DrillFlags) => done(await drillCommand(context, alerts, flags)));
  withSystem(program.command('explain'))
    .description('shows an alert: its rule, its runbook, its last drill, and its state in a run that is under way')
    .argument('<alert>')
    .option('--json', 'as JSON', false)
    .addHelpText('after', '\nExample:\n  gameday explain KvNoLeader')
    .action(async (alert: string, flags: SystemFlags & { json: boolean }) =>
      done(await explainCommand(context, alert, flags)),
    );
}

function addClusterCommands(program: Command, context: Context, done: Done): void {
  withSystem(program.command('up'))
    .description('starts nodes on the documented ports and leaves them running')
    .argument('[system]')
    .option('--nodes <count>', "how many; the system's default when absent", integerFrom(1))
    .option('--port <port>', 'first port of node 0; the others follow', integerFrom(1))
    .option('--links', 'puts a proxy between every two nodes, for faults of links', false)
    .option('--faults', 'opens the fault endpoints of the nodes, for faults of disk, clock, messages', false)
    .addHelpText(
      'after',
      '\nExamples:\n  gameday up kv\n  gameday up kv --port 18080\n  curl http://127.0.0.1:18080/status',
    )
    .action(async (system: string | undefined, flags: UpFlags) => done(await upCommand(context, system, flags)));
  withSystem(program.command('down'))
    .description('ends what `up` started, or with --all everything that is left over')
    .argument('[system]')
    .option('--all', 'also what a killed run left: paused processes are woken and ended', false)
    .option('--delete-data', 'also deletes what the nodes have stored', false)
    .action(async (system: string | undefined, flags: DownFlags) => done(await downCommand(context, system, flags)));
  withSystem(program.command('status'))
    .description('shows the nodes that `up` started')
    .argument('[system]')
    .option('--json', 'as JSON', false)
    .action(async (system: string | undefined, flags: SystemFlags & { json: boolean }) =>
      done(await statusCommand(context, system ?? flags.system, flags)),
    );
  withSystem(program.command('watch'))
    .description('one screen with the health of the nodes that `up` started, until q or Ctrl-C')
    .argument('[system]')
    .addOption(intervalOption())
    .action(async (system: string | undefined, flags: SystemFlags & { interval: number }) =>
      done(await watchStandingCommand(context, system ?? flags.system, flags)),
    );
  withSystem(program.command('verify'))
    .description('compares the states of the nodes that `up` started, at one applied index')
    .argument('[system]')
    .option('--json', 'as JSON', false)
    .action(async (system: string | undefined, flags: SystemFlags & { json: boolean }) =>
      done(await verifyStandingCommand(context, system ?? flags.system, flags)),
    );
}

function addFaultCommands(program: Command, context: Context, done: Done): void {
  const fault = program.command('fault').description('breaks something in a cluster that `up` started, and mends it');
  fault
    .command('list')
    .description('shows every fault, and whether it is available there')
    .option('--system <name or path>', 'the only one that is up when absent')
    .option('--json', 'as JSON', false)
    .action(async (flags: FaultFlags & { json: boolean }) => done(await faultListCommand(context, flags)));
  const inject = fault
    .command('inject')
    .description('injects one fault; with --for heals it afterwards, without leaves it until `gameday fault heal`')
    .argument('<kind>')
    .argument('<target>', 'leader, follower, followers, any, all or node:N');
  for (const [name, help] of Object.entries(FAULT_PARAMETERS)) inject.option(`--${name} <value>`, help);
  inject
    .option('--for <duration>', 'how long, such as 10s')
    .option('--system <name or path>', 'the only one that is up when absent')
    .addHelpText(
      'after',
      '\nExamples:\n  gameday fault inject kill leader --for 5s\n  gameday fault inject latency follower --delay 50ms --for 10s',
    )
    .action(async (kind: string, target: string, flags: InjectFlags) =>
      done(await faultInjectCommand(context, kind, target, flags)),
    );
  fault
    .command('heal')
    .description('starts and wakes nodes, takes every fault from links and nodes')
    .option('--system <name or path>', 'the only one that is up when absent')
    .action(async (flags: FaultFlags) => done(await faultHealCommand(context, flags)));
}

function addRecordCommands(program: Command, context: Context, done: Done): void {
  const what = 'id, the start of one, or a directory; the last run when absent';
  program
    .command('open')
    .description('serves the report and the stored series of a run until Ctrl-C')
    .argument('[run]', what)
    .option('--port <port>', 'a free one when absent', integerFrom(1, 65_535))
    .action(async (run: string | undefined, flags: { port?: number }) => done(await openCommand(context, run, flags)));
  program
    .command('recheck')
    .description('judges a run again from what it stored')
    .argument('[run]', what)
    .addOption(
      new Option('--rules <which>', 'run: the rules that the run had; current: those of the working tree, shown only')
        .choices(['run', 'current'])
        .default('run'),
    )
    .option('--json', 'one JSON document on stdout', false)
    .addOption(inconclusiveOption())
    .action(async (run: string | undefined, flags: RecheckFlags) => done(await recheckCommand(context, run, flags)));
  program
    .command('report')
    .description('writes the reports of a run again')
    .argument('[run]', what)
    .action(async (run: string | undefined) => done(await reportCommand(context, run)));
}

function addMachineCommands(program: Command, context: Context, done: Done): void {
  program
    .command('bench')
    .description('measures, beside a peer where there is one')
    .argument('[name]', 'which; lists them when absent')
    .option('--only <metrics>', 'measures these only, separated by commas')
    .option('--pairs <number>', 'pairs of measurements that each comparison is the median of', integerFrom(1))
    .option('--seconds <number>', 'length of one measurement under load', integerFrom(1))
    .option('--profile <directory>', 'writes CPU profiles of the nodes there, instead of measuring')
    .option('--json', 'one JSON document on stdout', false)
    .addHelpText(
      'after',
      '\nExamples:\n  gameday bench kv --json\n  gameday bench kv --only writes_per_second --pairs 3',
    )
    .action(async (name: string | undefined, flags: BenchFlags) => done(await benchCommand(context, name, flags)));
  program
    .command('doctor')
    .description('shows tools, ports, disk and what faults this machine can do')
    .option('--json', 'as JSON', false)
    .action(async (flags: { json: boolean }) => done(await doctorCommand(context, flags)));
  program
    .command('completion')
    .description('prints a completion script for the shell')
    .argument('<shell>', SHELLS.join(', '))
    .action(async (shell: string) => done(await completionCommand(context, shell, program)));
}

function urls(text: string): readonly string[] {
  return text.split(',').map((url) => url.trim());
}

function factor(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('Expected a factor above 0, at most 1.');
  return value;
}
