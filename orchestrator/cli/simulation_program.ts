/** The command `simulate`, its flags and its help. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseIndices } from '../../simulator/indices.ts';
import { CALMS, type Calm } from '../../simulator/reduction.ts';
import { parseDuration } from '../scenario/units.ts';
import type { SimulateFlags } from './commands/simulate.ts';
import type { Context } from './context.ts';
import type { ExitCode } from './exit_code.ts';
import { integerFrom } from './numbers.ts';

export function addSimulationCommand(program: Command, context: Context, done: (code: ExitCode) => void): void {
  program
    .command('simulate')
    .description('runs a system in virtual time under random faults, one run a seed, and checks what it promises')
    .argument('<system>')
    .option('--seeds <count>', 'how many seeds', integerFrom(1), 1000)
    .option('--from <seed>', 'the first of them', integerFrom(0), 1)
    .option('--duration <time>', 'goes on for so long instead: 90s, 10m', duration)
    .option('--workers <count>', 'threads; one for each core when absent', integerFrom(1))
    .option('--keep-going', 'does not stop at the first failing seed', false)
    .option('--no-shrink', 'shows a failing run as it is, without making it smaller')
    .option('--bug <name>', 'plants a known mistake that must be found; a wrong name lists them')
    .addOption(
      new Option('--seed <seed>', 'one run only')
        .argParser(integerFrom(0))
        .conflicts(['seeds', 'from', 'duration', 'workers', 'keepGoing']),
    )
    .option('--trace', 'with --seed: shows every event', false)
    .option('--only-faults <positions>', 'with --seed: what is left of its faults, as 3,7,12-18 or none', positions)
    .option('--only-operations <positions>', 'with --seed: what is left of its operations', positions)
    .option('--calm <parts>', `with --seed: makes this fair: ${CALMS.join(',')}`, calms)
    .option('--nodes <count>', 'with --seed: how many nodes it starts with', integerFrom(1))
    .option('--heal-at <microseconds>', 'with --seed: when everything is mended', integerFrom(0))
    .option('--json', 'one JSON document on stdout, everything else on stderr', false)
    .addHelpText(
      'after',
      '\nExit codes: 0 all seeds passed, 1 one failed (safety or liveness, it says which), 2 usage, 129/130/143 interrupted.\n\nExamples:\n  gameday simulate kv\n  gameday simulate kv --duration 10m --from 1000000\n  gameday simulate kv --seed 4711 --trace\n  gameday simulate kv --bug stale-read',
    )
    .action(async (system: string, flags: SimulateFlags) => {
      // The simulator brings all systems' cores along: only who wants them waits for them.
      const { simulateCommand } = await import('./commands/simulate.ts');
      done(await simulateCommand(context, system, flags));
    });
}

function duration(text: string): number {
  const value = parseDuration(text);
  if (value === undefined || value === 0) throw new InvalidArgumentError('Expected a time such as 90s or 10m.');
  return value;
}

function positions(text: string): number[] {
  const indices = parseIndices(text);
  if (indices === null) throw new InvalidArgumentError('Expected positions such as 3,7,12-18, or none.');
  return indices;
}

function calms(text: string): Calm[] {
  const parts = text.split(',');
  const wrong = parts.find((part) => !CALMS.some((calm) => calm === part));
  if (wrong !== undefined) throw new InvalidArgumentError(`Expected some of ${CALMS.join(', ')}.`);
  return parts as Calm[];
}
