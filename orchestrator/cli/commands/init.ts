/** `init`: a home for somebody's own system. */
import { existsSync, lstatSync, statSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { homeFiles, inTheWay, nearestName, writeHome } from '../../init/home.ts';
import { isBaseUrl, sameTwice, withoutPassword } from '../../run/manifest_shape.ts';
import { type Context, pathWord, print, programName } from '../context.ts';
import { EXIT, type ExitCode, UsageError } from '../exit_code.ts';

export interface InitFlags {
  readonly name?: string;
  readonly command?: string;
  readonly targets?: readonly string[];
}

export function initCommand(context: Context, word: string, flags: InitFlags): ExitCode {
  const directory = resolve(context.workingDirectory, word);
  checkDirectory(word, directory);
  const name = checkedName(flags.name ?? basename(directory), flags.name === undefined, context.systems.names());
  const targets = flags.targets === undefined ? {} : { targets: checkedTargets(flags.targets) };
  const command =
    flags.command === undefined ? {} : { command: commandWords(flags.command, context.workingDirectory, directory) };
  const files = homeFiles({ directory, name, ...targets, ...command });
  const blocking = inTheWay(directory, files);
  if (blocking.length > 0)
    throw new UsageError(
      `init never overwrites, and nothing was written. In the way in ${word}:\n${blocking.map((path) => `  ${path}`).join('\n')}\n` +
        'Move them, or choose another directory',
    );
  writeHome(directory, files);
  const { bold, green } = context.terminal.outColors;
  print(context, `${green('✔')} ${name}: a home in ${pathWord(context, directory)}`);
  for (const { path } of files) print(context, `  ${path}`);
  if (flags.command === undefined && flags.targets === undefined)
    print(context, `\nNodes are started with \`node server.mjs\`: say how yours are, in system.ts.`);
  const system = pathWord(context, join(directory, 'system.ts'));
  print(context, `\n${bold('Next')}`);
  for (const next of ['check', 'run', 'drill --all'])
    print(context, `  ${programName(context)} ${next} --system ${system}`);
  return EXIT.pass;
}

/** The directory itself may be there, and so may what is above it; both have to be directories. */
function checkDirectory(word: string, directory: string): void {
  let place = directory;
  while (!isThere(place)) place = dirname(place);
  if (!existsSync(place) || !statSync(place).isDirectory())
    throw new UsageError(`${word}: ${place} is a file, and not a directory: choose another one`);
}

/** Also of a link that leads nowhere. */
function isThere(place: string): boolean {
  try {
    return lstatSync(place, { throwIfNoEntry: false }) !== undefined;
  } catch {
    // ENOTDIR: something above it is a file.
    return false;
  }
}

function checkedName(name: string, isFromDirectory: boolean, taken: readonly string[]): string {
  const nearest = nearestName(name);
  const source = isFromDirectory ? 'the directory is called' : '--name';
  if (nearest !== name)
    throw new UsageError(
      `${source} "${name}": a system's name has lower-case letters, digits and dashes, begins with a letter and has 40 of them ` +
        `at most: --name ${nearest}`,
    );
  if (taken.includes(name))
    throw new UsageError(`${source} "${name}", which is one of Gameday's own systems: --name my-${name}`);
  return name;
}

function checkedTargets(targets: readonly string[]): readonly string[] {
  const wrong = targets.filter((target) => !isBaseUrl(target));
  if (wrong.length > 0)
    throw new UsageError(
      `--targets ${wrong.map(withoutPassword).join(',')}: expected base URLs without a path and without a password, separated by commas, such as http://10.0.0.1:8080,http://10.0.0.2:8080`,
    );
  const [twice] = sameTwice(targets);
  if (twice !== undefined) throw new UsageError(`--targets: ${twice}`);
  return targets;
}

/** Words as a shell would split them, quotes included. One that names a file here is said as a path from the home. */
function commandWords(command: string, workingDirectory: string, home: string): readonly string[] {
  const words = [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, plain]) => ({
    text: double ?? single ?? plain ?? '',
    isPlain: plain !== undefined,
  }));
  const ofShell = words.find(({ text, isPlain }) => isPlain && /[|&;<>$`"']/.test(text));
  if (ofShell !== undefined)
    throw new UsageError(
      `--command "${command}": a node is started without a shell, which "${ofShell.text}" is for: put it into a script, and give that`,
    );
  if (words.length === 0)
    throw new UsageError("--command is empty: expected how a node is started, such as 'node server.mjs'");
  return words.map(({ text }) => {
    const here = resolve(workingDirectory, text);
    return text.includes('.') && existsSync(here) && statSync(here).isFile() ? relative(home, here) : text;
  });
}
