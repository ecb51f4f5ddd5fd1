/**
 * The files of a home for somebody's own system, made from `templates/`: a home of a system called `mysystem`, valid as it lies there.
 * What changes on the way is the name, how nodes are started or where they run, and every path that leaves the folder.
 */
import { existsSync, globSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';

export interface HomeOptions {
  /** Absolute; need not exist. */
  readonly directory: string;
  readonly name: string;
  /** How a node is started: program and arguments, in the home. Neither this nor `targets`: as the template says. */
  readonly command?: readonly string[];
  /** Base URLs of nodes that run already. */
  readonly targets?: readonly string[];
}

export interface HomeFile {
  /** From the home. */
  readonly path: string;
  readonly text: string;
}

const TEMPLATES = join(import.meta.dirname, 'templates');
const TEMPLATE_NAME = 'mysystem';
/** `// #region command`: only where nodes are started. `// #region targets`: only where they run already. */
const REGION = /^ *\/\/ #region (\w+)\n([\s\S]*?)^ *\/\/ #endregion\n(\n?)/gm;
/** A path that leaves its folder. */
const UPWARDS = /(?:\.\.\/)+[\w./@-]+/g;

/** Every file of the home, in the order in which a person reads them. */
export function homeFiles(options: HomeOptions): HomeFile[] {
  const directory = realDirectory(options.directory);
  return globSync('**/*.*', { cwd: TEMPLATES })
    .map((path) => path.replaceAll(sep, '/'))
    .sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .map((path) => {
      const target = path
        .replaceAll(TEMPLATE_NAME, options.name)
        .replaceAll(titleOf(TEMPLATE_NAME), titleOf(options.name));
      const text = readFileSync(join(TEMPLATES, path), 'utf8').replace(UPWARDS, (found) => {
        const meant = resolve(TEMPLATES, dirname(path), found);
        return meant.startsWith(TEMPLATES + sep) ? found : relative(join(directory, dirname(target)), meant);
      });
      return {
        path: target,
        text: path === 'system.ts' ? manifest(named(text, options.name), options) : named(text, options.name),
      };
    });
}

/** Those of the files that are there already, as paths from the home. */
export function inTheWay(directory: string, files: readonly HomeFile[]): string[] {
  return files.map(({ path }) => path).filter((path) => existsSync(join(directory, path)));
}

/** Never overwrites: rejects what is there already with EEXIST. */
export function writeHome(directory: string, files: readonly HomeFile[]): void {
  for (const { path, text } of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), text, { flag: 'wx' });
  }
}

/** `my-system` → `MySystem`: how the names of its alerts begin. */
export function titleOf(name: string): string {
  return name.replaceAll(/(^|-)([a-z0-9])/g, (_, _dash, letter: string) => letter.toUpperCase());
}

const NAME = /^[a-z][a-z0-9-]{0,39}$/;

/** The nearest name that a system can have; `name` itself when it can have that one. */
export function nearestName(name: string): string {
  if (NAME.test(name)) return name;
  const words = name.replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2').toLowerCase();
  const plain = words.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^[^a-z]+|-+$/g, '');
  return plain.slice(0, 40).replace(/-+$/, '') || TEMPLATE_NAME;
}

/** What a person reads first comes first. */
function rank(path: string): number {
  const order = ['README', 'system', 'loadtests/', 'scenarios/', 'rules/', 'runbooks/'];
  const place = order.findIndex((start) => path.startsWith(start));
  return place < 0 ? order.length : place;
}

function named(text: string, name: string): string {
  return text.replaceAll(TEMPLATE_NAME, name).replaceAll(titleOf(TEMPLATE_NAME), titleOf(name));
}

function manifest(text: string, { command, targets }: HomeOptions): string {
  const kept = targets === undefined ? 'command' : 'targets';
  const whole = text.replace(REGION, (_, region: string, body: string, blank: string) =>
    region === kept ? body + blank : '',
  );
  if (targets !== undefined) {
    const count = Math.max(9, targets.length);
    return whole
      .replace(/targets: \[.*\]/, () => `targets: [${targets.map(quoted).join(', ')}]`)
      .replace(/nodes: \{.*\}/, `nodes: { default: ${targets.length}, min: 1, max: ${count} }`);
  }
  const [program, ...parameters] = command ?? [];
  if (program === undefined) return whole;
  return whole
    .replace(/command: '.*'/, () => `command: ${quoted(program)}`)
    .replace(/arguments: \[.*\]/, () => `arguments: [${parameters.map(quoted).join(', ')}]`);
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')}'`;
}

/** Without symbolic links, since programs differ in what `..` means after one. */
function realDirectory(directory: string): string {
  let existing = directory;
  while (!existsSync(existing)) existing = dirname(existing);
  return join(realpathSync(existing), relative(existing, directory));
}
