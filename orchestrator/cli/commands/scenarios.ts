/** `list` and `check`. */
import { rulesOf, scenarioLoader } from '../../run/project.ts';
import { alertShapes } from '../../run/rules.ts';
import { limitsOf } from '../../scenario/limits.ts';
import { formatProblem, type Problem, ScenarioError } from '../../scenario/problems.ts';
import { type Context, note, print, printJson } from '../context.ts';
import { EXIT, type ExitCode } from '../exit_code.ts';
import { contextOf, type SystemFlags } from '../system_choice.ts';
import { columns } from '../terminal.ts';

export interface ScenarioFlags extends SystemFlags {
  readonly json: boolean;
}

export async function listCommand(command: Context, flags: ScenarioFlags): Promise<ExitCode> {
  const context = await contextOf(command, flags);
  const entries = context.catalogue.list();
  if (flags.json) printJson(context, { scenarios: entries });
  else {
    const rows = [['scenario', 'id', 'title'], ...entries.map(({ name, id, title }) => [name, id, title])];
    const { outColors } = context.terminal;
    print(
      context,
      columns(rows, (cell, _column, row) => (row === 0 ? outColors.dim(cell) : cell)),
    );
  }
  return EXIT.pass;
}

/** The manifests; and every scenario, or those named, in full length and with its `ci` overlay; nothing is run. */
export async function checkCommand(
  command: Context,
  words: readonly string[],
  flags: ScenarioFlags,
): Promise<ExitCode> {
  const context = await contextOf(command, flags);
  const { catalogue } = context;
  const entries = words.length === 0 ? catalogue.list() : catalogue.find(words, context.workingDirectory);
  const loader = scenarioLoader(context.root, context.systems);
  const limits = await limitsOfAll(context);
  const found = new Map<string, Problem>();
  for (const { file } of entries) {
    for (const ci of [false, true]) {
      const problems = await loader.load(file, { ci, timeScale: 1 }).then(
        (loaded) => loaded.warnings,
        (error: unknown) => {
          if (error instanceof ScenarioError) return error.problems;
          throw error;
        },
      );
      for (const problem of problems) found.set(formatProblem(problem), problem);
    }
  }
  const problems = [...found.values()];
  const errors = problems.filter((problem) => problem.severity === 'error').length;
  if (flags.json) printJson(context, { checked: entries.map((entry) => entry.file), problems, limits });
  else for (const text of [...limits, ...found.keys()]) print(context, text);
  note(
    context,
    `${count(entries.length, 'scenario')} checked: ${count(errors, 'error')}, ${count(problems.length - errors, 'warning')}`,
  );
  return errors === 0 ? EXIT.pass : EXIT.usage;
}

/** What the manifests leave out, with their names; `gameday check` finds nothing wrong with it. */
async function limitsOfAll({ root, systems }: Context): Promise<string[]> {
  const limits = (await systems.manifests()).map(async (manifest) => {
    const alerts = alertShapes(await rulesOf(root, systems.home, manifest));
    return limitsOf(manifest, alerts).map((limit) => `${manifest.name}: ${limit}`);
  });
  return (await Promise.all(limits)).flat();
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}
