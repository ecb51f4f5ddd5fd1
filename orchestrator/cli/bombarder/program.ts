/** The commands of `bombarder`, their flags and their help. Source: requirements/lithair-replication-stress.md, "Bombarder Commands". */
import { Command, Option } from 'commander';
import { BURST, FLOOD, MIXED, STORM } from '../../../loadtests/kv/defaults.ts';
import { completionCommand, SHELLS } from '../commands/completion.ts';
import { type ExitCode, UsageError } from '../exit_code.ts';
import { integerFrom } from '../numbers.ts';
import { nodesOf, startCommand, statusCommand, stopCommand } from './cluster_commands.ts';
import type { BombarderContext } from './context.ts';
import { nodeAddress, nodeUrl, nodeUrls, secondsFrom } from './flags.ts';
import { type LoadFlags, loadCommand } from './load/load_command.ts';
import { intervalOption } from './options.ts';
import { resyncCommand, syncStatusCommand } from './sync_commands.ts';
import { verifyCommand } from './verify.ts';
import { watchCommand } from './watch/watch.ts';

type Done = (code: ExitCode) => void;

const EXIT_CODES = `
Exit codes: 0 all succeeded, 1 not, 2 usage, 3 inconclusive, 4 could not run, 129/130/143 interrupted.`;

const ENVIRONMENT = `
Environment:
  STRESS_TEST_DATA     directory of the nodes' data and logs (default: data)
  RUST_LOG, LOG_LEVEL  how much the nodes log: trace, debug, info, warn, error (default: info)`;

const EXAMPLES = `
Examples:
  bombarder cluster start
  bombarder flood --count 1000 --concurrency 50
  bombarder storm --count 2000 --concurrency 100 --chaos --kill-interval 10
  bombarder verify`;

/** The first port of three nodes, and of their peer listeners 1000 above. */
const PORT_MAX = 65_535 - 1000 - 2;
const COUNT_MAX = 10_000_000;
const CONCURRENCY_MAX = 10_000;
/** Clients of a burst; with more creates than that, each makes several. */
const BURST_CONCURRENCY_MAX = 100;
const KILLS_DEFAULT = 3;
const KILL_INTERVAL_DEFAULT = 10;

/** `done` receives the exit code of the command that ran. */
export function createBombarder(context: BombarderContext, version: string, done: Done): Command {
  const program = new Command('bombarder')
    .description('Starts a cluster of the replicated key-value store, puts it under load, and looks after it.')
    .version(version)
    .showSuggestionAfterError()
    .showHelpAfterError('(bombarder --help shows the commands)')
    .addHelpText('after', `${EXIT_CODES}\n${ENVIRONMENT}\n${EXAMPLES}`)
    .configureOutput({
      writeOut: (text) => context.terminal.stdout.write(text),
      writeErr: (text) => context.terminal.stderr.write(text),
    })
    .exitOverride();
  addClusterCommands(program, context, done);
  addLoadCommands(program, context, done);
  addDiagnostics(program, context, done);
  return program;
}

function addClusterCommands(program: Command, context: BombarderContext, done: Done): void {
  const cluster = program.command('cluster').description('starts, stops and looks after three nodes on this machine');
  withJson(cluster.command('start'))
    .description('starts three nodes in the background, or those of them that do not run')
    .option('--port <port>', 'of node 0; the others follow (default: 8080)', integerFrom(1, PORT_MAX))
    .addHelpText(
      'after',
      `${ENVIRONMENT}\n\nExamples:\n  bombarder cluster start\n  RUST_LOG=debug bombarder cluster start --port 18080`,
    )
    .action(async (flags: { port?: number; json: boolean }) => done(await startCommand(context, flags)));
  withJson(cluster.command('stop'))
    .description('ends all nodes, also one that was started by hand on the same data')
    .action(async (flags: { json: boolean }) => done(await stopCommand(context, flags)));
  withJson(withNodes(cluster.command('status')))
    .description('shows health, role, term, entries and state hash of each node')
    .action(async (flags: { nodes?: readonly string[]; json: boolean }) => done(await statusCommand(context, flags)));
  const leader = 'a node; it may be a follower (default: found among the nodes)';
  withJson(cluster.command('sync-status'))
    .description('shows how far each follower is, as the leader sees it')
    .option('--leader <url>', leader, nodeUrl)
    .addHelpText('after', '\nExamples:\n  bombarder cluster sync-status --leader http://127.0.0.1:8080')
    .action(async (flags: { leader?: string; json: boolean }) => done(await syncStatusCommand(context, flags)));
  withJson(cluster.command('resync'))
    .description('sends a follower a snapshot of the whole state, and waits until it has it')
    .option('--leader <url>', leader, nodeUrl)
    .requiredOption('--target <address>', 'HOST:PORT of the follower', nodeAddress)
    .addHelpText(
      'after',
      '\nExamples:\n  bombarder cluster resync --leader http://127.0.0.1:8080 --target 127.0.0.1:8082',
    )
    .action(async (flags: { leader?: string; target: string; json: boolean }) =>
      done(await resyncCommand(context, flags)),
    );
}

interface CountFlags {
  readonly nodes?: readonly string[];
  readonly json: boolean;
  readonly count: number;
  readonly concurrency: number;
}

function addLoadCommands(program: Command, context: BombarderContext, done: Done): void {
  const run = async (name: Parameters<typeof loadCommand>[1], flags: LoadFlags) =>
    done(await loadCommand(context, name, flags));
  withLoadFlags(program.command('flood'), FLOOD)
    .description('creates at the leader, as fast as they are answered')
    .addHelpText('after', '\nExamples:\n  bombarder flood --count 1000 --concurrency 50')
    .action((flags: CountFlags) => run('flood', flags));
  withJson(withNodes(program.command('burst')))
    .description('creates in bursts with pauses between them')
    .option('--size <number>', 'creates of a burst', integerFrom(1, CONCURRENCY_MAX), BURST.burst.size)
    .option('--bursts <number>', 'how many bursts', integerFrom(1, COUNT_MAX), BURST.count / BURST.burst.size)
    .option('--pause <ms>', 'between two bursts', integerFrom(0, 3_600_000), BURST.burst.pauseSeconds * 1000)
    .addHelpText('after', '\nExamples:\n  bombarder burst --size 100 --bursts 10 --pause 500')
    .action((flags: { nodes?: readonly string[]; json: boolean; size: number; bursts: number; pause: number }) =>
      run('burst', burstFlags(flags)),
    );
  withJson(withNodes(program.command('mixed')))
    .description('creates, reads, updates and deletes, a quarter each')
    .addOption(countOption(MIXED.count))
    .action((flags: Omit<CountFlags, 'concurrency'>) => run('mixed', { ...flags, concurrency: MIXED.concurrency }));
  addStorm(program, run);
}

type StormFlags = CountFlags & {
  readonly readPct: number;
  readonly chaos: boolean;
  readonly killInterval: number;
  readonly kills: number;
};

function addStorm(program: Command, run: (name: 'storm', flags: LoadFlags) => Promise<void>): void {
  const kills = 'with --chaos: so many kills at least; the load is spread over as long as they take';
  withLoadFlags(program.command('storm'), STORM)
    .description('random operations on shared entries at random nodes')
    .option('--read-pct <percent>', 'share of reads', integerFrom(0, 100), STORM.readShare * 100)
    .option('--chaos', 'kills random nodes meanwhile, one at a time, and starts them again', false)
    .option('--kill-interval <seconds>', 'with --chaos: from kill to kill', secondsFrom(1, 3600), KILL_INTERVAL_DEFAULT)
    .option('--kills <number>', kills, integerFrom(1, 1000), KILLS_DEFAULT)
    .addHelpText(
      'after',
      `${EXIT_CODES}\n\nExamples:\n  bombarder storm --count 500 --concurrency 50\n  bombarder storm --count 2000 --concurrency 100 --chaos --kill-interval 10`,
    )
    .action((flags: StormFlags, command: Command) => {
      const idle = ['killInterval', 'kills'].find((name) => command.getOptionValueSource(name) === 'cli');
      if (!flags.chaos && idle !== undefined)
        throw new UsageError('--kill-interval and --kills say how --chaos kills: give --chaos as well');
      const { nodes, json, count, concurrency, readPct, killInterval } = flags;
      return run('storm', {
        ...{ json, count, concurrency, readShare: readPct / 100 },
        ...(nodes === undefined ? {} : { nodes }),
        ...(flags.chaos ? { chaos: { intervalSeconds: killInterval, kills: flags.kills } } : {}),
      });
    });
}

function burstFlags(flags: {
  readonly nodes?: readonly string[];
  readonly json: boolean;
  readonly size: number;
  readonly bursts: number;
  readonly pause: number;
}): LoadFlags {
  const { nodes, json, size, bursts, pause } = flags;
  return {
    ...{
      json,
      count: size * bursts,
      concurrency: Math.min(size, BURST_CONCURRENCY_MAX),
      burst: { size, pauseSeconds: pause / 1000 },
    },
    ...(nodes === undefined ? {} : { nodes }),
  };
}

function addDiagnostics(program: Command, context: BombarderContext, done: Done): void {
  withJson(withNodes(program.command('verify')))
    .description('compares the states of all nodes at one applied index')
    .addHelpText(
      'after',
      `\nExit codes: 0 equal, 1 different, 3 cannot be concluded: a node does not answer, or no common index was seen.`,
    )
    .action(async (flags: { nodes?: readonly string[]; json: boolean }) =>
      done(await verifyCommand(context, await nodesOf(context, flags.nodes), flags)),
    );
  program
    .command('watch')
    .description('one screen with the health of all nodes, until q or Ctrl-C')
    .option('--leader <url>', 'a node; the others are found through it (default: the nodes of the cluster)', nodeUrl)
    .addOption(intervalOption())
    .action(async (flags: { leader?: string; interval: number }) => {
      const urls = await nodesOf(context, flags.leader === undefined ? undefined : [flags.leader]);
      done(await watchCommand(context, { title: 'bombarder watch', urls, intervalSeconds: flags.interval }));
    });
  program
    .command('completion')
    .description('prints a completion script for the shell')
    .argument('<shell>', SHELLS.join(', '))
    .action(async (shell: string) => done(await completionCommand(context, shell, program)));
}

function withJson(command: Command): Command {
  return command.option('--json', 'one JSON document on stdout, everything else on stderr', false);
}

function withNodes(command: Command): Command {
  return command.option('--nodes <urls>', 'URL1,URL2,URL3 (default: the nodes of the cluster)', nodeUrls);
}

function countOption(count: number): Option {
  return new Option('--count <number>', 'how many operations').argParser(integerFrom(1, COUNT_MAX)).default(count);
}

function withLoadFlags(command: Command, defaults: { readonly count: number; readonly concurrency: number }): Command {
  return withJson(withNodes(command))
    .addOption(countOption(defaults.count))
    .option('--concurrency <number>', 'how many at a time', integerFrom(1, CONCURRENCY_MAX), defaults.concurrency);
}
