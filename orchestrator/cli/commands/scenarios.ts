/** `list` and `check`. */
import { scenarioLoader } from '../../run/project.ts';
import { formatProblem, type Problem, ScenarioError } from '../../scenario/problems.ts';
import { type Context, note, print, printJson } from '../context.ts';
import { EXIT, type ExitCode } from '../exit_code.ts';
import { columns } from '../terminal.ts';

export function listCommand(context: Context, flags: { readonly json: boolean }): ExitCode {
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

/** Every scenario, or those named, in full length and with its `ci` overlay; nothing is run. */
export async function checkCommand(
  context: Context,
  words: readonly string[],
  flags: { readonly json: boolean },
): Promise<ExitCode> {
  const { catalogue } = context;
  const entries = words.length === 0 ? catalogue.list() : catalogue.find(words, context.workingDirectory);
  const loader = scenarioLoader(context.root, context.systems);
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
  if (flags.json) printJson(context, { checked: entries.map((entry) => entry.file), problems });
  else for (const text of found.keys()) print(context, text);
  note(
    context,
    `${count(entries.length, 'scenario')} checked: ${count(errors, 'error')}, ${count(problems.length - errors, 'warning')}`,
  );
  return errors === 0 ? EXIT.pass : EXIT.usage;
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}
