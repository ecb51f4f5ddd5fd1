/**
 * The scenario files of a home, and what a name on the command line means: a suite, which is a folder (`kv`, `kv/drills`) or every system's
 * (`all`), a file's name without its ending (`kv/leader-kill`), a scenario's id, or a path.
 */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { isAbsolute, join, posix, relative, resolve, sep } from 'node:path';
import { parseDocument } from 'yaml';
import { suggestion } from './problems.ts';

export interface CatalogueEntry {
  /** `kv/leader-kill`. */
  readonly name: string;
  /** Relative to the home when inside it. */
  readonly file: string;
  /** From the file, as far as it can be read; checked when the scenario is loaded. */
  readonly id: string;
  readonly title: string;
  readonly system: string;
}

/** A name that stands for no scenario. */
export class UnknownScenarioError extends Error {
  readonly code = 'SCENARIO_UNKNOWN';
  constructor(message: string) {
    super(message);
    this.name = 'UnknownScenarioError';
  }
}

export class ScenarioCatalogue {
  readonly #home: string;
  readonly #listing: string;
  /**
   * @param home the folder that has `scenarios/`; absolute
   * @param listing the command that shows them, for messages
   */
  constructor(home: string, listing = 'gameday list') {
    this.#home = home;
    this.#listing = listing;
  }

  /** Every scenario, drills last. */
  list(): CatalogueEntry[] {
    const files = ['scenarios/*.{yaml,yml}', 'scenarios/*/*.{yaml,yml}', 'scenarios/*/*/*.{yaml,yml}'];
    return files.flatMap((pattern) =>
      globSync(pattern, { cwd: this.#home })
        .sort()
        .map((file) => this.#entry(file)),
    );
  }

  /** The scenarios that the words stand for, in order, each once. Throws `UnknownScenarioError`. */
  find(words: readonly string[], workingDirectory: string): CatalogueEntry[] {
    const found = new Map<string, CatalogueEntry>();
    for (const word of words) for (const entry of this.#findOne(word, workingDirectory)) found.set(entry.file, entry);
    return [...found.values()];
  }

  #findOne(word: string, workingDirectory: string): CatalogueEntry[] {
    const all = this.list();
    // A drill must turn its alerts red: it says something about the rules, and is run by `gameday drill`.
    if (word === 'all') return all.filter((entry) => !isDrill(entry));
    const suite = all.filter((entry) => folderOf(entry) === word);
    if (suite.length > 0) return suite;
    const named = all.filter((entry) => entry.name === word || entry.id === word);
    if (named.length > 1) {
      const files = named.map((entry) => entry.file).join(' and ');
      throw new UnknownScenarioError(`"${word}" stands for ${files}: give one of the paths`);
    }
    if (named.length === 1) return named;
    // As a person sees it from here, or as a run says it, from the home.
    const paths = [resolve(workingDirectory, word), resolve(this.#home, word)];
    const path = paths.find((candidate) => existsSync(candidate));
    if (/\.ya?ml$/.test(word) && path !== undefined) return [this.#entry(this.#relative(path))];
    throw new UnknownScenarioError(this.#unknown(word, all));
  }

  #unknown(word: string, all: readonly CatalogueEntry[]): string {
    if (/\.ya?ml$/.test(word)) return `there is no scenario file ${word}`;
    const suites = all.map(folderOf);
    const names = new Set([...all.flatMap((entry) => [entry.name, entry.id]), ...suites, 'all']);
    return `unknown scenario "${word}"${suggestion(word, names) || '.'} \`${this.#listing}\` shows them all`;
  }

  #relative(path: string): string {
    const inside = relative(this.#home, path);
    return inside.startsWith(`..${sep}`) || isAbsolute(inside) ? path : inside;
  }

  #entry(file: string): CatalogueEntry {
    const name = file
      .replace(/^scenarios[/\\]/, '')
      .replace(/\.ya?ml$/, '')
      .replaceAll('\\', '/');
    const { id, title, system } = readNames(isAbsolute(file) ? file : join(this.#home, file));
    const text = (value: unknown, fallback: string) => (typeof value === 'string' ? value : fallback);
    return { name, file, id: text(id, name), title: text(title, ''), system: text(system, name.split('/')[0]!) };
  }
}

function isDrill(entry: CatalogueEntry): boolean {
  return folderOf(entry).split('/').includes('drills');
}

/** `kv`, `kv/drills`, and `.` for a scenario in no folder. */
function folderOf({ name }: CatalogueEntry): string {
  return posix.dirname(name);
}

/** Of a file that cannot be read nothing: the loader says what is wrong with it when it is asked for, and the others stay usable. */
function readNames(path: string): Partial<Record<'id' | 'title' | 'system', unknown>> {
  try {
    return parseDocument(readFileSync(path, 'utf8')).toJS() ?? {};
  } catch {
    return {};
  }
}
