/** The rules of the house as data, and the function that applies them to one file. `tidy.test.ts` runs it on every file. */
import { posix } from 'node:path';
import { readFacts, type SourceFacts } from './source.ts';

/** What a core and the simulator may not use, and what to use instead. A name ending in a dot stands for all of its members. */
const PURITY: readonly { readonly use: string; readonly instead: string }[] = [
  ...['Date.now', 'new Date()', 'Date()', 'performance'].map((use) => ({
    use,
    instead: 'time arrives as a tick, or as a timestamp in the input',
  })),
  ...['Math.random', 'crypto'].map((use) => ({ use, instead: 'draw from the injected Prng (kit/prng.ts)' })),
  ...['setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask'].map((use) => ({
    use,
    instead: 'count ticks; the driver owns the timers',
  })),
  ...['async', 'Promise'].map((use) => ({ use, instead: 'return the effect in the output; the driver waits for it' })),
  { use: 'process', instead: 'take the value through the constructor' },
  { use: 'console', instead: 'return what happened in the output; the driver logs it' },
  { use: 'fetch', instead: 'return a message in the output; the driver sends it' },
  { use: 'globalThis', instead: 'take what is needed through the constructor' },
];

const CORE_BASICS = ['kit/assert.ts', 'kit/prng.ts', 'kit/hash.ts'];

/** The stages that a scenario passes through, in order: a stage knows the types of those before it. */
const STAGES = ['scenario', 'cluster', 'load', 'faults', 'checkers', 'verdict', 'regression', 'report'];

interface Layer {
  /** Path prefix of the files that it is about; `<name>` stands for one folder, and is the same in `may`. */
  readonly files: string;
  /** Path prefixes of project files that they may import, beside their own folder `files`. */
  readonly may: readonly string[];
  /** Path prefixes of project files whose types they may import. */
  readonly mayTypes?: readonly string[];
  /** Path prefixes among those that only tests may import. */
  readonly mayNot?: readonly string[];
  /** npm packages: all, or those that match. `node:` counts as a package. */
  readonly packages: 'all' | RegExp;
  readonly why: string;
}

/** The first layer whose files match decides. */
const LAYERS: readonly Layer[] = [
  {
    files: 'services/<name>/core/',
    may: CORE_BASICS,
    packages: /^$/,
    why: "a core imports its own files and the kit's basics only",
  },
  {
    files: 'services/index.ts',
    may: ['services/<name>/system.ts', 'kit/system.ts'],
    packages: /^$/,
    why: 'the registry knows manifests only',
  },
  {
    files: 'services/<name>/',
    may: ['kit/', 'package.json'],
    packages: 'all',
    why: 'a service imports the kit and itself only',
  },
  { files: 'kit/', may: [], packages: 'all', why: 'the kit imports nothing of the project' },
  { files: 'tools/', may: CORE_BASICS, packages: 'all', why: "tools import the kit's basics only" },
  { files: 'loadtests/', may: [], packages: /^k6(\/|$)/, why: 'k6 resolves relative imports and its own modules only' },
  {
    files: 'grafana/generate.ts',
    may: ['grafana/', 'examples/'],
    packages: /^(@grafana\/grafana-foundation-sdk|node:)/,
    why: 'the generator knows the dashboards, those of the examples among them',
  },
  {
    files: 'grafana/',
    may: [],
    packages: /^(@grafana\/grafana-foundation-sdk|node:)/,
    why: 'dashboards import the foundation SDK and each other only',
  },
  {
    files: 'examples/<name>/loadtests/',
    may: ['loadtests/lib/', 'examples/<name>/keys.ts'],
    packages: /^k6(\/|$)/,
    why: "an example's scripts import what all scripts share, and k6's modules",
  },
  {
    files: 'examples/<name>/dashboard.ts',
    may: ['grafana/'],
    packages: /^@grafana\/grafana-foundation-sdk/,
    why: "an example's dashboard is built as all dashboards are",
  },
  {
    files: 'examples/',
    may: ['kit/system.ts', 'orchestrator/', 'tools/'],
    mayNot: ['orchestrator/', 'tools/'],
    packages: /^node:/,
    why: "an example knows what anybody's own system may know: the manifest's type; its tests may run the program",
  },
  {
    files: 'checks/',
    may: ['tools/', 'kit/', 'services/index.ts'],
    packages: 'all',
    why: 'checks know the tree, not the program',
  },
  {
    files: 'benchmarks/',
    may: ['orchestrator/', 'simulator/', 'kit/', 'tools/', 'services/index.ts'],
    packages: 'all',
    why: 'a benchmark measures the program from outside, and knows a system through its manifest only',
  },
  {
    files: 'simulator/kv/',
    may: [
      ...CORE_BASICS,
      'kit/errors.ts',
      'simulator/',
      'services/kv/core/',
      'services/kv/binary.ts',
      ...['errors', 'restore', 'wal-record', 'wal-replay', 'wal-segment'].map(
        (name) => `services/kv/storage/${name}.ts`,
      ),
      // The tables of those who wait are pure, too: time is handed to them.
      ...['reads', 'writes'].map((name) => `services/kv/driver/${name}.ts`),
    ],
    packages: /^$/,
    why: 'a simulated driver imports the engine and what is pure of its system',
  },
  {
    files: 'simulator/systems.ts',
    may: ['simulator/'],
    packages: /^$/,
    why: 'the registry of simulated systems knows what is simulated only',
  },
  {
    files: 'simulator/',
    may: CORE_BASICS,
    mayNot: ['simulator/<name>/'],
    packages: /^node:worker_threads$/,
    why: 'the engine of the simulator knows no system',
  },
  ...STAGES.map((stage, position) => ({
    files: `orchestrator/${stage}/`,
    // Files beside the stages, and the record of a run, are what all stages share.
    may: ['kit/', 'tools/', 'services/index.ts', 'orchestrator/<name>.ts', 'orchestrator/run/record.ts'],
    mayTypes: ['orchestrator/run/', ...STAGES.slice(0, position).map((earlier) => `orchestrator/${earlier}/`)],
    packages: 'all' as const,
    why: `a stage imports the types of earlier stages only (${STAGES.slice(0, position).join(', ') || 'none before it'})`,
  })),
  {
    files: 'orchestrator/cli/bombarder/',
    may: ['orchestrator/', 'kit/', 'tools/', 'services/index.ts', 'package.json', 'loadtests/kv/defaults.ts'],
    mayTypes: ['services/kv/api.ts'],
    packages: 'all',
    why: 'bombarder is the client of one system: it knows the shapes of its answers and the defaults of its load, no more',
  },
  {
    files: 'orchestrator/cli/',
    may: ['orchestrator/', 'simulator/', 'benchmarks/', 'kit/', 'tools/', 'services/index.ts', 'package.json'],
    packages: 'all',
    why: 'the command line knows the orchestrator, the simulator and the benchmarks; it knows a system through its manifest only',
  },
  {
    files: 'orchestrator/init/templates/',
    may: ['kit/system.ts', 'loadtests/lib/'],
    packages: /^(k6|node:)/,
    why: "a template knows what a home of somebody's own system may know: the manifest's type, and the library of the load scripts",
  },
  {
    files: 'orchestrator/',
    may: ['kit/', 'tools/', 'services/index.ts', 'package.json'],
    packages: 'all',
    why: 'the orchestrator knows a system through its manifest only',
  },
];

/** Packages with one place. */
const ONE_PLACE: readonly { readonly specifier: string; readonly place: string }[] = [
  { specifier: 'prom-client', place: 'kit/metrics.ts' },
];

/** Files of the simulator that use the machine's clock or threads, each with its reason. */
const IMPURE_FILES: Readonly<Record<string, string>> = {
  'simulator/fleet.ts': 'runs seeds on all cores; what a seed does does not depend on it',
  'simulator/seed-worker.ts': 'the thread that the fleet starts',
  'simulator/kv/measure.ts': 'measures the simulator by the clock',
};

const LINES_MAX = 500;

/** Files over the limit, each with its reason. */
const LONG_FILES: Readonly<Record<string, string>> = {};

const VAGUE_NAME = /^(utils?|helpers?|common|managers?)$/i;

/** Everything that is wrong with a file: one sentence each, which names the file and says what to do. */
export function violations(path: string, source: string): string[] {
  const facts = path.endsWith('.ts') ? readFacts(source) : { imports: [], uses: new Set<string>() };
  return [...vagueNames(path), ...tooLong(path, source), ...impure(path, facts), ...forbiddenImports(path, facts)].map(
    (problem) => `${path}: ${problem}`,
  );
}

function vagueNames(path: string): string[] {
  const words = path.split(/[/._-]|(?<=[a-z])(?=[A-Z])/);
  return words
    .filter((word) => VAGUE_NAME.test(word))
    .map((word) => `"${word}" says nothing about its subject: name it after what it holds`);
}

function tooLong(path: string, source: string): string[] {
  const lines = source.split('\n').length - 1;
  if (!/\.(ts|mjs|cjs)$/.test(path) || lines <= LINES_MAX || LONG_FILES[path]) return [];
  return [`${lines} lines, more than ${LINES_MAX}: give each subject a file, or list the reason in LONG_FILES`];
}

function impure(path: string, { uses }: SourceFacts): string[] {
  const who = path.includes('/core/') ? 'a core' : path.startsWith('simulator/') ? 'the simulator' : null;
  if (who === null || isTest(path) || IMPURE_FILES[path]) return [];
  return PURITY.filter(({ use }) => uses.has(use)).map(({ use, instead }) => `${who} may not use ${use}: ${instead}`);
}

function forbiddenImports(path: string, { imports }: SourceFacts): string[] {
  const layer = LAYERS.map((candidate) => bind(candidate, path)).find((bound) => bound !== undefined);
  const problems: string[] = [];
  for (const { specifier, typeOnly } of imports) {
    const place = ONE_PLACE.find((entry) => entry.specifier === specifier)?.place;
    if (place && place !== path) problems.push(`imports ${specifier}, which only ${place} may`);
    if (!layer) continue;
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : undefined;
    const isOf = (prefixes: readonly string[]) => target !== undefined && prefixes.some((it) => matches(target, it));
    const isAllowed = target
      ? (isOf(layer.may) && (isTest(path) || !isOf(layer.mayNot))) || (typeOnly && isOf(layer.mayTypes))
      : isTest(path) || layer.packages === 'all' || layer.packages.test(specifier);
    if (!isAllowed) problems.push(`imports ${typeOnly ? 'the types of ' : ''}${target ?? specifier}: ${layer.why}`);
  }
  return problems;
}

/** Tests and what only they use may reach for packages; the project's layers hold for them, too. */
function isTest(path: string): boolean {
  return /\.test\.ts$|\/testing\//.test(path);
}

/** The layer with `<name>` filled in, and with the file's own folder among what it may import; undefined if not about `path`. */
function bind(layer: Layer, path: string): Required<Layer> | undefined {
  const name = /<name>/.test(layer.files) ? path.split('/')[1] : undefined;
  const fill = (text: string) => (name ? text.replace('<name>', name) : text);
  const files = fill(layer.files);
  if (!path.startsWith(files)) return undefined;
  const { may, mayTypes = [], mayNot = [] } = layer;
  return { ...layer, files, may: [files, ...may.map(fill)], mayTypes: mayTypes.map(fill), mayNot };
}

function matches(target: string, prefix: string): boolean {
  const pattern = prefix.split('<name>').map((part) => part.replaceAll('.', '\\.'));
  return new RegExp(`^${pattern.join('[^/]+')}`).test(target);
}
