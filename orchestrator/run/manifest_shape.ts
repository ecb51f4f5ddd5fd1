/** The fields of a manifest, as `SystemManifest` has them, and what must hold between them. */
import { existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { validRange } from 'semver';
import { messageOf } from '../../kit/errors.ts';
import {
  type ElsewhereTarget,
  MANIFEST_VERSION,
  NODE_FAULTS,
  PROCESS_FAULTS,
  type ProcessFaultKind,
  type SystemManifest,
} from '../../kit/system.ts';
import { catalogue } from '../../tools/catalogue.ts';
import { missingHooks } from '../scenario/fault_kinds.ts';
import { suggestion } from '../scenario/problems.ts';
import { parseExpression, selectorsOf } from '../verdict/expression.ts';
import {
  callable,
  either,
  type Field,
  list,
  object,
  oneOf,
  optional,
  record,
  required,
  type Shape,
  text,
  value,
  whole,
} from './shape.ts';

const PORT = whole(1, 65_535);
const URL_PATH = text('a path such as "/ready"', /^\/\S*$/);
const FILE = value(
  'a path from the home of the manifest, without ".."',
  (it) => typeof it === 'string' && it !== '' && !isAbsolute(it) && !it.split(/[\\/]/).includes('..'),
);
const FOLDER = (name: string) => text(`"${name}" or a folder in it`, new RegExp(`^${name}(/(?!\\.\\.?(/|$))[^/]+)*$`));
const BASE_URL: Shape = function* (it, path) {
  const mistakes = value('a URL such as "http://10.0.0.1:2379", without a path and without a password', isBaseUrl)(
    it,
    path,
  );
  for (const mistake of mistakes) yield withoutPassword(mistake);
};
const HOOK = optional(callable('(index) => Promise<void>'));
const COMMAND = '=> { command, arguments, environment }';

/** One for each field: the compiler sees to it that none is missing. */
const FIELDS: { readonly [K in keyof Required<SystemManifest>]: Field } = {
  version: required(value(`${MANIFEST_VERSION}`, (it) => it === MANIFEST_VERSION)),
  name: required(text('lower-case letters, digits and dashes', /^[a-z][a-z0-9-]*$/)),
  title: required(text()),
  nodes: required(
    object({ default: required(whole(1, 99)), min: required(whole(1, 99)), max: required(whole(1, 99)) }),
  ),
  ports: required(list(object({ name: required(text()), first: required(PORT) }), 1)),
  start: optional(callable(`(node, plan) ${COMMAND}`)),
  elsewhere: optional(
    object({
      targets: required(list(either(BASE_URL, object({ url: required(BASE_URL), ports: optional(record(PORT)) })), 1)),
      ...{ kill: HOOK, stop: HOOK, start: HOOK, pause: HOOK, resume: HOOK },
    }),
  ),
  readyWithinSeconds: optional(whole(1, 3600)),
  paths: optional(object({ health: optional(URL_PATH), ready: optional(URL_PATH), probe: optional(URL_PATH) })),
  metrics: optional(
    object({
      path: required(URL_PATH),
      port: optional(text()),
      // What checkers, orchestrator, k6 and Prometheus say is not for the system to say.
      series: optional(
        record(
          text('PromQL'),
          "a metric's name of the system's own",
          /^(?!gameday_|k6_|scrape_|(?:up|ALERTS|ALERTS_FOR_STATE)$)[a-zA-Z_:][a-zA-Z0-9_:]*$/,
        ),
      ),
    }),
  ),
  roles: optional(record(callable('(nodeUrl) => Promise<boolean>'))),
  faults: optional(list(oneOf(PROCESS_FAULTS))),
  links: optional(object({ port: required(text()) })),
  nodeFaults: optional(
    object({
      kinds: required(list(oneOf(NODE_FAULTS))),
      misbehaviours: required(list(text())),
      apply: required(callable('(nodeUrl, token, set) => Promise<void>')),
      read: required(callable('(nodeUrl, token) => Promise<NodeFaultSet>')),
    }),
  ),
  checkers: optional(
    object({
      model: required(oneOf(['register'])),
      readAll: required(callable('(nodeUrl, signal) => AsyncIterable<{ key, value }>')),
      state: optional(callable('(nodeUrl, signal) => Promise<{ appliedIndex, hash }>')),
    }),
  ),
  operations: optional(record(callable('(nodeUrl, nodeUrls) => Promise<void>'))),
  rejoin: optional(callable(`(node, plan, id) ${COMMAND}`)),
  release: optional(
    object({
      of: required(callable('(nodeUrl) => Promise<string>')),
      accepts: required(
        value('a semver range such as "^3.6.0"', (it) => typeof it === 'string' && validRange(it) !== null),
      ),
    }),
  ),
  tools: optional(list(oneOf(catalogue.flatMap(({ tools }) => Object.keys(tools))))),
  environment: optional(record(text('a text', /^/), 'a variable of its own', /^(?!GAMEDAY_|K6_)[A-Za-z_]\w*$/)),
  defaultScenario: required(text()),
  files: required(
    object({
      rules: required(list(FILE)),
      ruleTests: optional(list(FILE)),
      scenarios: optional(FOLDER('scenarios')),
      loadtests: optional(FOLDER('loadtests')),
      dashboards: optional(list(FILE)),
      runbooks: optional(FILE),
      readme: optional(FILE),
    }),
  ),
};

export const MANIFEST_SHAPE = object(FIELDS);

/** Everything that is wrong with what a file exports as its manifest, one sentence each. `home` is absolute. */
export function manifestProblems(exported: unknown, home: string): string[] {
  const version = (exported as { readonly version?: unknown } | null)?.version;
  // What another format means by a field is not known here.
  if (typeof version === 'number' && version !== MANIFEST_VERSION)
    return [`\`version\` is ${version}: this Gameday reads manifests of version ${MANIFEST_VERSION}`];
  const shape = [...MANIFEST_SHAPE(exported, '')];
  return shape.length > 0
    ? shape
    : [...inconsistencies(exported as SystemManifest), ...lostFiles(exported as SystemManifest, home)];
}

function* inconsistencies(manifest: SystemManifest): Iterable<string> {
  const { nodes, ports, metrics, links, start, elsewhere } = manifest;
  const { min, max } = nodes;
  if (!(min <= nodes.default && nodes.default <= max))
    yield `\`nodes\` is min ${min}, default ${nodes.default}, max ${max}: requires min ≤ default ≤ max`;
  const names = ports.map(({ name }) => name);
  for (const name of names.filter((name, index) => names.indexOf(name) < index)) yield `\`ports\` has "${name}" twice`;
  for (const [path, port] of [
    ['metrics.port', metrics?.port],
    ['links.port', links?.port],
  ] as const) {
    if (port !== undefined && !names.includes(port))
      yield `\`${path}\` is "${port}": \`ports\` has ${names.join(', ')}${suggestion(port, names)}`;
  }
  for (const [name, expression] of Object.entries(metrics?.series ?? {})) yield* seriesMistake(name, expression);
  if (start !== undefined && elsewhere !== undefined) {
    yield 'it has both `start` and `elsewhere`: remove one; `--targets URL,…` points a manifest with `start` at nodes that run already';
    return;
  }
  for (const kind of manifest.faults ?? []) yield* hooksOf(kind, manifest);
  for (const target of elsewhere?.targets ?? []) yield* portOf(target, manifest);
  for (const mistake of sameTwice(elsewhere?.targets ?? [])) yield `\`elsewhere.targets\`: ${mistake}`;
}

function* hooksOf(kind: ProcessFaultKind, manifest: SystemManifest): Iterable<string> {
  if (manifest.elsewhere === undefined) return;
  const missing = missingHooks(kind, manifest.elsewhere);
  if (missing === null)
    yield `\`faults\` has "${kind}", which nodes elsewhere cannot do: only \`start\` knows two versions`;
  else if (missing.length > 0)
    yield `\`faults\` has "${kind}", which needs ${missing.map((name) => `\`elsewhere.${name}\``).join(' and ')}`;
  else if (kind === 'pause' && manifest.paths?.health === undefined && manifest.paths?.ready === undefined)
    yield '`faults` has "pause", which needs `paths.health` where nodes run elsewhere: one that stands still accepts connections all the same';
}

/** Where nodes run elsewhere, only the URL's port is known. */
export function* portOf(target: ElsewhereTarget, { metrics, ports }: SystemManifest): Iterable<string> {
  const port = metrics?.port;
  if (port === undefined || port === ports[0]!.name) return;
  if (typeof target === 'object' && target.ports?.[port] !== undefined) return;
  const url = typeof target === 'string' ? target : target.url;
  yield `the metrics of ${url} are on its port "${port}", which nobody says: write the target as { url: '${url}', ports: { ${port}: 9100 } } in \`elsewhere.targets\``;
}

function* seriesMistake(name: string, expression: string): Iterable<string> {
  try {
    const reads = selectorsOf(parseExpression(expression));
    // What is recorded would be read again, and doubled, say, at each evaluation.
    if (reads.some((selector) => selector.name === name))
      yield `\`metrics.series.${name}\` reads itself: give the recorded series a name of its own`;
  } catch (error) {
    yield `\`metrics.series.${name}\` is ${messageOf(error)}`;
  }
}

function* lostFiles({ files }: SystemManifest, home: string): Iterable<string> {
  for (const [field, entry] of Object.entries(files)) {
    for (const path of [entry].flat())
      if (!existsSync(join(home, path))) yield `\`files.${field}\` lists ${path}: there is no such file in ${home}`;
  }
}

export function isBaseUrl(it: unknown): boolean {
  if (typeof it !== 'string' || !URL.canParse(it)) return false;
  const { protocol, pathname, search, hash, username, password } = new URL(it);
  // Addresses are shown, and kept in run.json and in reports.
  const isPublic = username === '' && password === '';
  return /^https?:$/.test(protocol) && pathname === '/' && search === '' && hash === '' && isPublic;
}

/** For a message about an address that was refused, perhaps because of its password. */
export function withoutPassword(text: string): string {
  return text.replaceAll(/\/\/[^/\s]*@/g, '//…@');
}

/** Nodes that are one and the same agree on everything. */
export function* sameTwice(targets: readonly ElsewhereTarget[]): Iterable<string> {
  const origins = targets.map((target) => new URL(typeof target === 'string' ? target : target.url).origin);
  for (const [index, origin] of origins.entries())
    if (origins.indexOf(origin) < index) yield `${origin} is there twice: give each node once`;
}
