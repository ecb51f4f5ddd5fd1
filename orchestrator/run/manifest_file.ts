/** A manifest from a file that `--system` names: imported, and checked before anything relies on it. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { SystemManifest } from '../../kit/system.ts';
import { manifestProblems } from './manifest_shape.ts';

/** A file that is no manifest, or not a whole one; the message names it and what to do. */
export class ManifestError extends Error {
  readonly code = 'MANIFEST_INVALID';
  /** One sentence each. */
  readonly problems: readonly string[];
  constructor(file: string, problems: readonly string[]) {
    super(problems.map((problem) => `${file}: ${problem}`).join('\n'));
    this.name = 'ManifestError';
    this.problems = problems;
  }
}

const REFERENCE = 'docs/guides/manifest.md explains the fields';

/** @param word as on the command line, relative to the working directory. @throws ManifestError */
export async function loadManifestFile(
  word: string,
  workingDirectory: string,
): Promise<{ readonly file: string; readonly manifest: SystemManifest }> {
  const file = resolve(workingDirectory, word);
  if (!existsSync(file)) throw new ManifestError(word, ['there is no such file; `gameday init` writes a manifest']);
  if (statSync(file).isDirectory()) {
    const inside = existsSync(join(file, 'system.ts'))
      ? `: give ${join(word, 'system.ts')}`
      : ': give the path of a file';
    throw new ManifestError(word, [`is a folder${inside}`]);
  }
  const module = await importFile(file, word);
  if (module.default === undefined) {
    const others = Object.keys(module);
    const has = others.length === 0 ? 'it exports nothing' : `it exports ${others.join(', ')}`;
    throw new ManifestError(word, [
      `has no default export (${has}): write \`export default { version: 1, … }\`; ${REFERENCE}`,
    ]);
  }
  const problems = manifestProblems(module.default, dirname(file));
  if (problems.length > 0)
    throw new ManifestError(word, [...problems.slice(0, -1), `${problems.at(-1)}; ${REFERENCE}`]);
  return { file, manifest: module.default as SystemManifest };
}

async function importFile(file: string, word: string): Promise<{ readonly default?: unknown }> {
  try {
    return (await import(pathToFileURL(file).href)) as { readonly default?: unknown };
  } catch (error) {
    throw new ManifestError(word, [describe(error, file)]);
  }
}

function describe(error: unknown, file: string): string {
  if (!(error instanceof Error)) return `threw while it was imported: ${String(error)}`;
  const { code } = error as NodeJS.ErrnoException;
  const [line] = error.message.split('\n');
  if (code === 'ERR_MODULE_NOT_FOUND') return `imports what is not there: ${line}`;
  if (code === 'ERR_UNKNOWN_FILE_EXTENSION')
    return 'is no module: a manifest is TypeScript or JavaScript, such as system.ts; `gameday init` writes one';
  if (code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX')
    return `uses TypeScript that Node does not run as it stands (enums, namespaces, parameter properties): ${line}`;
  if (error instanceof SyntaxError || code === 'ERR_INVALID_TYPESCRIPT_SYNTAX')
    return `is not valid TypeScript or JavaScript${placeIn(error, file)}: ${line}`;
  return `threw while it was imported${placeIn(error, file)}: ${line}`;
}

/** ` at system.ts:12`, from the stack, when the mistake is in the file or beside it. */
function placeIn({ stack = '' }: Error, file: string): string {
  const place = new RegExp(`${RegExp.escape(dirname(file))}/([^\\s:)]+):(\\d+)`).exec(stack);
  return place === null ? '' : ` at ${place[1] ?? basename(file)}:${place[2]}`;
}
