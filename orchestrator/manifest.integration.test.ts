/** Systems that are not ours, by the command line: what is wrong with a manifest or with its nodes is said, and what to do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { reservePorts } from './cluster/ports.ts';
import { faulty, Homes } from './testing/bare/home.ts';
import { Playground, root } from './testing/cli.ts';

const BARE = join(root, 'orchestrator/testing/bare');
const MS_MAX = 120_000;
const homes = new Homes();
const shared = new Playground();
const gameday = (...words: string[]) => shared.run(...words);

/** What is wrong with each file, as Node itself imports it; all in one process. */
async function refusals(files: readonly string[]): Promise<string[]> {
  const script = `
    import { loadManifestFile } from ${JSON.stringify(join(root, 'orchestrator/run/manifest_file.ts'))};
    for (const file of ${JSON.stringify(files)})
      console.log(JSON.stringify(await loadManifestFile(file, '/').then(() => 'accepted', ({ message }) => message)));`;
  const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '--eval', script]);
  const said: Buffer[] = [];
  child.stdout.on('data', (part: Buffer) => said.push(part));
  await once(child, 'close');
  return Buffer.concat(said)
    .toString()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as string);
}

/** Node 1 with something wrong. */
const second = (fault: string) => faulty(`(index) => (index === 1 ? { BARE_FAULT: '${fault}' } : {})`);

/** Nodes that this test starts, and not Gameday. */
class Elsewhere {
  readonly #children: ChildProcess[] = [];

  async start(index: number): Promise<{ readonly url: string; readonly metrics: number; readonly pid: number }> {
    const child = spawn(process.execPath, ['--no-warnings', join(BARE, 'node.ts')], {
      env: { ...process.env, BARE_PORT: '0', BARE_METRICS_PORT: '0', BARE_INDEX: String(index) },
    });
    this.#children.push(child);
    const [said] = (await once(child.stdout!, 'data')) as [Buffer];
    const [port, metrics] = said.toString().trim().split(' ').map(Number);
    return { url: `http://127.0.0.1:${port}`, metrics: metrics!, pid: child.pid! };
  }

  get running(): boolean[] {
    return this.#children.map(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  }

  stop(): void {
    for (const child of this.#children) child.kill('SIGKILL');
  }
}

const observed = new Playground();
const standing = new Playground();
const elsewhere = new Elsewhere();

afterAll(async () => {
  elsewhere.stop();
  await Promise.all([shared, observed, standing].map((playground) => playground.remove()));
  homes.remove();
}, MS_MAX);

// Jest runs the tests of one block side by side, and block after block.
describe('a system that is not ours', () => {
  test.concurrent(
    'what `up` started is asked, disturbed and ended by its name: its manifest is remembered',
    async () => {
      const reserved = await reservePorts(1);
      await reserved.release();
      const [port] = reserved.ports;
      const up = await standing.run('up', '--system', join(BARE, 'system.ts'), '--nodes', '1', '--port', String(port));
      expect(up).toMatchObject({ code: 0, stdout: `node 0  http://127.0.0.1:${port}\n` });
      const { systems } = JSON.parse((await standing.run('status', '--json')).stdout);
      expect(systems).toMatchObject([
        { system: 'bare', nodes: [{ ready: true, roles: ['leader'] }] },
        { system: 'kv', nodes: [] },
      ]);
      expect((await standing.run('fault', 'inject', 'kill', 'leader')).stdout).toContain('kill on node 0');
      expect(await standing.run('down', 'bare', '--delete-data')).toMatchObject({ code: 0 });
    },
    MS_MAX,
  );

  test.concurrent.each<[string, string, readonly string[], readonly string[]]>([
    [
      'one that dies at its start',
      second('dies'),
      [],
      ['node 1 exited with code 7 before it was ready', 'cannot read the moon phase'],
    ],
    [
      'one that never becomes ready',
      `readyWithinSeconds: 2, ${second('never-ready')}`,
      [],
      ['1 of 2 nodes are ready after 2 s\nnode 1: GET http://', '/ready answers 503', 'waiting for the moon'],
    ],
    [
      'metrics that do not parse',
      second('metrics'),
      [],
      [
        'Prometheus gets metrics from 2 of 3 targets',
        'node 1 (http://',
        'its metrics do not parse: strconv.ParseFloat',
      ],
    ],
    [
      'different versions',
      faulty("(index) => ({ BARE_VERSION: '1.2.' + index })"),
      [],
      ['the nodes are of different versions', ') is 1.2.0\nnode 1 (http://', ') is 1.2.1'],
    ],
    [
      'nodes elsewhere of which none answers',
      "readyWithinSeconds: 1, metrics: { path: '/metrics', series: { raft_is_leader: 'bare_leading > 0' } }",
      ['--targets', 'http://127.0.0.1:1'],
      ['0 of 1 nodes elsewhere are ready', 'node 0: GET http://127.0.0.1:1/ready has no answer'],
    ],
  ])(
    '%s: 4, before any load',
    async (name, change, words, sentences) => {
      const file = homes.with(name.replaceAll(/\W+/g, '-'), change);
      const { code, stdout, stderr } = await gameday('run', '--system', file, 'calm', ...words);
      expect({ code, loaded: /^load /m.test(stderr) }).toEqual({ code: 4, loaded: false });
      for (const sentence of sentences) expect(stdout).toContain(sentence);
    },
    MS_MAX,
  );

  test.concurrent(
    'what a manifest leaves out is said by check, which refuses criteria that nobody can judge',
    async () => {
      const file = homes.with('silent', 'metrics: undefined, paths: undefined, release: undefined');
      const { code, stdout } = await gameday('check', '--system', file);
      expect(stdout).toMatch(/^bare: no `metrics`: .* cannot be judged \(TargetMissing, .*BareManyLeaders\)$/m);
      expect(stdout).toContain('a node counts as ready when it accepts a TCP connection');
      expect(stdout).toContain(
        'scenarios/calm.yaml:8:14: BareManyLeaders can never be judged: it needs raft_is_leader, and the manifest of bare has no `metrics`',
      );
      expect(code).toBe(2);
    },
    MS_MAX,
  );

  test.concurrent(
    'without `start` a fault is refused, naming the hooks, and a run that has no addresses',
    async () => {
      const file = homes.with('nowhere', 'start: undefined');
      const check = await gameday('check', '--system', file);
      expect(check.stdout).toContain('for "pause" its manifest needs `elsewhere.pause` and `elsewhere.resume`');
      expect(check.code).toBe(2);
      const run = await gameday('run', '--system', file, 'calm');
      expect(run.stderr).toContain('bare has no `start`, and nobody says where its nodes run: --targets http://');
      expect(run.code).toBe(2);
    },
    MS_MAX,
  );

  test.concurrent(
    'a manifest with a mistake ends a command with 2',
    async () => {
      const series = "metrics: { path: '/metrics', series: { raft_is_leader: 'sum(bare_leading' } }";
      const { code, stderr } = await gameday('run', '--system', homes.with('promql', series));
      expect(code).toBe(2);
      expect(stderr).toContain('`metrics.series.raft_is_leader` is not PromQL: `sum(bare_leading`');
    },
    MS_MAX,
  );

  test('is refused with what is wrong, where, and what to do', async () => {
    const cases: [string, string[]][] = [
      [join(homes.directory, 'none.ts'), ['there is no such file', '`gameday init` writes a manifest']],
      [BARE, ['is a folder: give', 'bare/system.ts']],
      [join(BARE, '../../README.md'), ['is no module: a manifest is TypeScript or JavaScript']],
      [homes.file('syntax', '\nexport default {{;\n'), ['is not valid TypeScript or JavaScript at system.ts:2']],
      [homes.file('enum', 'enum Moon { Full }\nexport default {};\n'), ['uses TypeScript that Node does not run']],
      [homes.file('named', 'export const system = 1;\n'), ['has no default export (it exports system)']],
      [homes.file('lost', "import './gone.ts';\nexport default {};\n"), ['imports what is not there', 'gone.ts']],
      [
        homes.file('throws', "\nthrow new Error('no moon');\n"),
        ['threw while it was imported at system.ts:2: no moon'],
      ],
      [homes.with('format', 'version: 2'), ['`version` is 2: this Gameday reads manifests of version 1']],
      [homes.with('misspelt', 'helath: 1'), ['unknown field "helath"', 'docs/guides/manifest.md']],
    ];
    const messages = await refusals(cases.map(([file]) => file));
    for (const [index, [file, sentences]] of cases.entries())
      for (const sentence of [file, ...sentences]) expect(messages[index]).toContain(sentence);
  });
});

// By itself: what a run concludes depends on whether Prometheus gets the processor.
describe('nodes elsewhere', () => {
  test(
    'are loaded, scraped, disturbed by hooks and judged, and a run is judged again without its manifest',
    async () => {
      const nodes = await Promise.all([0, 1].map((index) => elsewhere.start(index)));
      const targets = nodes.map(({ url, metrics }) => ({ url, ports: { metrics } }));
      const signal = (name: string) =>
        `async (index) => void process.kill(${JSON.stringify(nodes.map(({ pid }) => pid))}[index], '${name}')`;
      const file = homes.with(
        'elsewhere',
        `start: undefined, faults: ['pause'],
         elsewhere: { targets: ${JSON.stringify(targets)}, pause: ${signal('SIGSTOP')}, resume: ${signal('SIGCONT')} }`,
      );
      const { code, stdout, stderr } = await observed.run('run', '--system', file, 'pause');
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('✔ PASS  bare-pause') });
      expect(stderr).toContain(`no \`start\`: the nodes run elsewhere (${nodes.map(({ url }) => url).join(', ')})`);
      expect(elsewhere.running).toEqual([true, true]);
      const record = observed.record();
      expect(record).toMatchObject({ system: 'bare', home: join(homes.directory, 'elsewhere'), release: '1.2.3' });
      expect(record.faults[0]).toMatchObject({ node: 0, healthBefore: '2/2', healthAfter: '2/2' });
      // Nobody asked whether clients were served.
      expect(record.faults[0]!.serviceRecoveredAt).toBeUndefined();
      rmSync(file);
      const again = await observed.run('recheck', '--json');
      expect(again.code).toBe(0);
      const [criterion] = JSON.parse(again.stdout).record.verdict.criteria;
      expect(criterion).toMatchObject({ alert: 'BareManyLeaders', result: 'pass' });
      rmSync(join(observed.runDirectory, 'report.html'));
      expect((await observed.run('report')).code).toBe(0);
      expect(existsSync(join(observed.runDirectory, 'report.html'))).toBe(true);
    },
    MS_MAX,
  );
});
