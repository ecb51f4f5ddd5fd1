/** An existing system, judged by what a Prometheus of its own has stored: a real one, with a real history of half an hour. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { obtain } from '../tools/obtain.ts';
import { exitCodeOfRun } from './cli/exit_code.ts';
import { conduct } from './run/conductor.ts';
import { RunDirectories } from './run/directory.ts';
import { parseEndpoint } from './run/endpoint.ts';
import type { ExistingSystem } from './run/existing.ts';
import { PROJECT_ROOT, scenarioLoader } from './run/project.ts';
import type { RunRecord } from './run/record.ts';
import { judgeStage } from './run/stages.ts';
import { Systems } from './run/systems.ts';
import { Playground } from './testing/cli.ts';
import { parseMatch } from './verdict/foreign.ts';
import { store } from './verdict/materialise.ts';
import { judgeConfiguration, type Prometheus, startPrometheus } from './verdict/prometheus.ts';
import type { WrittenSeries } from './verdict/remote-write.ts';

jest.setTimeout(120_000);

const STEP_MS = 15_000;
const now = Math.floor(Date.now() / STEP_MS) * STEP_MS;
const begin = now - 30 * 60_000;
/** Ten minutes, as people look at them. */
const window = { from: now - 600_000, to: now };

const MANIFEST = `export default {
  version: 1, name: 'shop', title: 'A shop that runs elsewhere', nodes: { default: 2, min: 1, max: 9 },
  ports: [{ name: 'http', first: 9000 }], metrics: { path: '/metrics' },
  defaultScenario: 'production', files: { rules: ['alerts/shop.rules.yml'] },
};`;
const RULES = `
groups:
  - name: shop
    rules:
      - record: job:shop_latency:p99
        expr: histogram_quantile(0.99, sum by (job, le) (rate(shop_request_duration_seconds_bucket{job="shop"}[2m])))
      - { alert: ShopSlow, expr: job:shop_latency:p99 > on () group_left () gameday_objective_request_p99_seconds, for: 30s }
      - { alert: ShopErrors, expr: 'sum(rate(shop_errors_total{job="shop"}[1m])) > 0.5' }
      - { alert: ShopErrorsQuick, expr: 'sum(rate(shop_errors_total{job="shop"}[45s])) > 0.5' }
      - { alert: ShopQueueLong, expr: 'shop_queue_length{job="shop", queue="mail"} > 10' }
      - { alert: ShopDown, expr: 'up{job="shop"} == 0', for: 30s }
      - { alert: ShopPods, expr: '(sum(up{job="shop", zone!=""}) or vector(0)) < 2' }
      - { alert: ShopBusy, expr: 'shop_busy{job="shop"} > 0', for: 2m }
      - { alert: ShopLate, expr: 'shop_late{job="shop"} > 0' }
      - { alert: ShopSpotty, expr: 'shop_spotty{job="spotty"} > 0' }
      - { alert: ShopPushed, expr: 'shop_pushed > 0' }
`;

function scenario(...criteria: string[]): string {
  return `version: 1
id: shop
title: The shop as it is
system: shop
load: { script: none.ts, profile: steady, rate: 10/s, duration: 1m }
objectives: { request_p99: 200ms }
faults: [{ name: killed, silence: load, at: 20s, heal_after: 10s }]
criteria:
${criteria.map((criterion) => `  - ${criterion}\n`).join('')}`;
}

let directory: string;
let binary: string;
let foreign: Prometheus;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'existing-'));
  binary = (await obtain(['prometheus'])).get('prometheus')!.path;
  for (const folder of ['home/scenarios', 'home/alerts', 'home/loadtests', 'foreign'])
    await mkdir(join(directory, folder), { recursive: true });
  await writeFile(join(directory, 'home/system.ts'), MANIFEST);
  await writeFile(join(directory, 'home/alerts/shop.rules.yml'), RULES);
  await writeFile(join(directory, 'home/loadtests/none.ts'), 'export default function () {}\n');
  const configFile = join(directory, 'foreign/prometheus.yml');
  await writeFile(configFile, judgeConfiguration());
  foreign = await startPrometheus({
    ...{ binary, configFile, mode: 'judge' as const, directory: join(directory, 'foreign/tsdb') },
    logFile: join(directory, 'foreign/log'),
  });
  await store(history(), foreign.api);
});
afterAll(async () => {
  await foreign?.stop();
  await rm(directory, { recursive: true, force: true });
});

/** Values of a metric every 15 s; `undefined` is no sample, `null` a stale marker. */
function series(
  labels: Record<string, string>,
  value: (minute: number) => number | undefined | null,
  offsetMs = 0,
): WrittenSeries {
  const samples: WrittenSeries['samples'][number][] = [];
  for (let timeMs = begin + offsetMs; timeMs <= now; timeMs += STEP_MS) {
    const v = value((timeMs - now) / 60_000);
    if (v === null) samples.push({ timeMs, stale: 'float' });
    else if (v !== undefined) samples.push({ timeMs, value: v });
  }
  return { labels, samples };
}

/** Two instances of the shop in `prod`, which is well, and one in `test`, which is not. Minutes are negative, counted from the end. */
function history(): WrittenSeries[] {
  const count = (perMinute: number) => (minute: number) => Math.round((minute + 30) * perMinute);
  const instance = (name: string, cluster: string, offsetMs: number, slow: boolean): WrittenSeries[] => {
    const labels = { job: 'shop', instance: name, cluster };
    const bucket = (le: string, perMinute: number) =>
      series({ ...labels, __name__: 'shop_request_duration_seconds_bucket', le }, count(perMinute), offsetMs);
    return [
      series({ ...labels, __name__: 'up' }, () => 1, offsetMs),
      series({ ...labels, __name__: 'shop_errors_total' }, count(slow ? 60 : 4), offsetMs),
      bucket('0.1', slow ? 0 : 1190),
      bucket('0.5', 1200),
      bucket('+Inf', 1200),
    ];
  };
  const prod = { job: 'shop', instance: 'a:1', cluster: 'prod' };
  const spotty = { job: 'spotty', instance: 's:1' };
  return [
    ...instance('a:1', 'prod', 0, false),
    ...instance('b:1', 'prod', 4000, false),
    ...instance('t:1', 'test', 2000, true),
    // One minute of it, then the series ends; without the stale marker it would be seen for five minutes more, and fire.
    series({ ...prod, __name__: 'shop_busy' }, (minute) =>
      minute < -5 ? undefined : minute < -4 ? 1 : minute < -3.75 ? null : undefined,
    ),
    // A counter that was above 0 before the window only.
    series({ ...prod, __name__: 'shop_late' }, (minute) => (minute < -15 ? 1 : 0)),
    // Nobody looked for two minutes: neither the metric nor `up` has a sample.
    series({ ...spotty, __name__: 'up' }, (minute) => (minute > -6 && minute < -4 ? undefined : 1)),
    series({ ...spotty, __name__: 'shop_spotty' }, (minute) => (minute > -6 && minute < -4 ? undefined : 0)),
    // Somebody else's: as many with the label `node` as the shop should have nodes.
    ...['m:1', 'm:2'].map((instance) =>
      series({ __name__: 'up', job: 'mesh', instance, node: instance, cluster: 'prod' }, () => 1),
    ),
    // Pushed, without job and instance, and silent at the end.
    series({ __name__: 'shop_pushed' }, (minute) => (minute > -2 ? undefined : 0)),
  ];
}

async function judged(
  criteria: readonly string[],
  change: Partial<ExistingSystem> & { readonly url?: string; readonly environment?: Record<string, string> } = {},
): Promise<RunRecord> {
  await writeFile(join(directory, 'home/scenarios/production.yaml'), scenario(...criteria));
  const systems = await Systems.file(join(directory, 'home/system.ts'), directory);
  const loaded = await scenarioLoader(PROJECT_ROOT, systems).load('scenarios/production.yaml', {
    ci: false,
    timeScale: 1,
  });
  const { url = foreign.url, environment = {}, ...rest } = change;
  const { record } = await conduct({
    ...{ root: PROJECT_ROOT, systems, loaded, seed: 1, keep: false, judge: judgeStage },
    directories: new RunDirectories(join(directory, '.gameday')),
    signal: new AbortController().signal,
    emit: () => undefined,
    report: async () => undefined,
    existing: {
      ...{ window, match: parseMatch('cluster="prod"') },
      prometheus: parseEndpoint(url, '--prometheus', 'GAMEDAY_PROMETHEUS', environment),
      ...rest,
    },
  });
  return record;
}

const silent = (alert: string) => `{ alert: ${alert}, expect: silent }`;

/** Result and reason by alert. */
function results({ verdict, error }: RunRecord): Record<string, readonly [string, string]> {
  expect(error).toBeUndefined();
  return Object.fromEntries(verdict!.criteria.map(({ alert, result, reason }) => [alert, [result, reason] as const]));
}

test('what is well passes, on samples every 15 s, by the objective of the scenario; what cannot be told is inconclusive, and says why', async () => {
  const record = await judged([
    silent('ShopSlow'),
    silent('ShopErrors'),
    silent('ShopDown'),
    silent('ShopBusy'),
    silent('ShopLate'),
    silent('ShopErrorsQuick'),
    silent('ShopQueueLong'),
    silent('ShopPods'),
    silent('GamedayMetricsMissing'),
    '{ alert: ShopLate, expect: silent, during: killed }',
  ]);
  const found = results(record);
  for (const alert of ['ShopSlow', 'ShopErrors', 'ShopDown', 'ShopLate'])
    expect([alert, found[alert]]).toEqual([alert, ['pass', 'silent for 10 min, and it could have fired']]);
  expect(found.ShopErrorsQuick).toEqual([
    'inconclusive',
    expect.stringContaining(
      '`shop_errors_total{job="shop"}[45s]`, and there is a sample every 15 s: a range shorter than 4 of them (60 s)',
    ),
  ]);
  expect(found.ShopQueueLong).toEqual([
    'inconclusive',
    'no series matched `shop_queue_length{job="shop", queue="mail"}`: silence without data proves nothing',
  ]);
  expect(found.ShopPods).toEqual([
    'inconclusive',
    expect.stringContaining('no series matched `up{job="shop", zone!=""}`'),
  ]);
  expect(found.GamedayMetricsMissing).toEqual([
    'inconclusive',
    expect.stringContaining('(gameday_phase), which is stood in for'),
  ]);
  // It was above 0 for a minute and then gone: not long enough for its two minutes, and nothing to look at afterwards.
  expect(found.ShopBusy![0]).toBe('inconclusive');
  expect(record.verdict!.criteria.find(({ alert }) => alert === 'ShopBusy')!.firing).toEqual([]);
  expect(record.observed).toMatchObject({
    ...{ prometheus: foreign.url, match: ['cluster="prod"'], intervalMs: 15_000 },
    notJudged: ['ShopLate silent during killed'],
    standIns: ['gameday_objective_request_p99_seconds', 'gameday_nodes_expected', 'gameday_phase'],
  });
  expect(record).toMatchObject({ load: null, nodes: [], faults: [], inconclusive: [] });
});

test('what is not well fails, with the value and the objective', async () => {
  const record = await judged([silent('ShopSlow'), silent('ShopErrors')], { match: parseMatch('{cluster="test"}') });
  const found = results(record);
  expect(found.ShopSlow).toEqual(['fail', expect.stringMatching(/fired.*0\.49.*200 ms/)]);
  expect(found.ShopErrors![0]).toBe('fail');
  // It was so before the window began: it is firing at its first moment.
  expect(record.verdict!.criteria[0]!.firing[0]!.from).toBeLessThanOrEqual(window.from);
});

test('a time in which nobody looked is not silence', async () => {
  const found = results(await judged([silent('ShopSpotty'), silent('ShopPushed')], { match: [] }));
  expect(found.ShopSpotty).toEqual([
    'inconclusive',
    expect.stringMatching(/^no scrape of s:1 \(job spotty\) from \+\d/),
  ]);
  expect(found.ShopPushed).toEqual(['inconclusive', expect.stringMatching(/^no scrape of `shop_pushed` from \+\d/)]);
  const before = { from: now - 20 * 60_000, to: now - 10 * 60_000 };
  const whole = results(await judged([silent('ShopSpotty'), silent('ShopPushed')], { match: [], window: before }));
  expect(whole).toMatchObject({ ShopSpotty: ['pass', expect.anything()], ShopPushed: ['pass', expect.anything()] });
});

test('nodes of somebody else are none of the system', async () => {
  const record = await judged([silent('TargetMissing')]);
  expect(results(record).TargetMissing).toEqual([
    'inconclusive',
    expect.stringContaining('no series matched `up{node!=""}`'),
  ]);
  expect(record.observed!.renamed).toEqual([
    `where a rule names no job, job="shop" is meant; --match 'job="…"' says another one`,
  ]);
});

test('a label that has another value there stands in for the one of the rules', async () => {
  const record = await judged([silent('ShopSpotty')], {
    match: parseMatch('job=~"spot.*"'),
    window: { from: now - 20 * 60_000, to: now - 10 * 60_000 },
  });
  expect(results(record).ShopSpotty![0]).toBe('pass');
  expect(record.observed!.renamed).toEqual(['job=~"spot.*" is job="spotty" here']);
});

test('more than can be copied is refused before it is copied: which series, and how to ask for less', async () => {
  const { error, verdict } = await judged([silent('ShopDown'), silent('ShopErrors')], { samplesMax: 100 });
  expect(verdict).toBeUndefined();
  expect(error).toEqual({
    code: 'SAMPLES_TOO_MANY',
    message: expect.stringMatching(
      /^`up\{job="shop"\}` has \d+ samples in 1\d min.*more than the 100 that are copied; narrow it with --match/,
    ),
  });
});

describe('what cannot be asked ends it without a verdict, says why and what to do', () => {
  const servers: Server[] = [];
  afterAll(() => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
  });

  async function answering(answer: (authorization: string | undefined) => readonly [number, object]): Promise<string> {
    const server = createServer((request, response) => {
      const [status, body] = answer(request.headers.authorization);
      request.resume().on('end', () => response.writeHead(status).end(JSON.stringify(body)));
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  async function refusal(change: Parameters<typeof judged>[1]): Promise<RunRecord['error']> {
    const record = await judged([silent('ShopDown')], change);
    expect([record.verdict, exitCodeOfRun(record, true)]).toEqual([undefined, 4]);
    return record.error;
  }

  test('nobody there', async () => {
    expect(await refusal({ url: 'http://127.0.0.1:1' })).toEqual({
      code: 'PROMETHEUS_UNREACHABLE',
      message: expect.stringMatching(/ECONNREFUSED.*is the address right/),
    });
  });

  test('nobody answers in time', async () => {
    const silence = createServer(() => undefined);
    servers.push(silence);
    await new Promise<void>((resolve) => silence.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(silence.address() as AddressInfo).port}`;
    expect(await refusal({ url, timeoutMs: 50 })).toEqual({
      code: 'QUERY_TIMEOUT',
      message: expect.stringMatching(/did not answer query in 50 ms: a shorter time/),
    });
  });

  test('it wants to know who asks; a token says it', async () => {
    const known = { status: 'success', data: { resultType: 'vector', result: [] } };
    const url = await answering((authorization) =>
      authorization === 'Bearer s3cret' ? [200, known] : [401, { status: 'error', error: 'who?' }],
    );
    expect(await refusal({ url })).toEqual({
      code: 'PROMETHEUS_REFUSED',
      message: expect.stringContaining('GAMEDAY_PROMETHEUS_TOKEN'),
    });
    const found = results(
      await judged([silent('ShopDown')], { url, environment: { GAMEDAY_PROMETHEUS_TOKEN: 's3cret' } }),
    );
    expect(found.ShopDown).toEqual(['inconclusive', expect.stringContaining('no series matched `up{job="shop"}`')]);
  });

  test('a part of what is stored is behind something that does not answer', async () => {
    const data = { resultType: 'vector', result: [] };
    const url = await answering(() => [200, { status: 'success', data, warnings: ['store gateway b is gone'] }]);
    expect(await refusal({ url })).toEqual({
      code: 'QUERY_PARTIAL',
      message: `Prometheus at ${url} answers with a warning, so series may be missing from what it says: store gateway b is gone: nothing is judged on a part; ask again when all that is behind it answers`,
    });
  });

  test('it refuses to read so much', async () => {
    const error = 'query processing would load too many samples into memory in query execution';
    let asked = 0;
    const url = await answering(() =>
      asked++ === 0
        ? [200, { status: 'success', data: { resultType: 'vector', result: [] } }]
        : [422, { status: 'error', errorType: 'execution', error }],
    );
    expect(await refusal({ url })).toEqual({
      code: 'SAMPLES_TOO_MANY',
      message: expect.stringMatching(/refuses to read `up\{job="shop"\}` over .*narrow it with --match/),
    });
  });
});

describe('on the command line', () => {
  const playground = new Playground();
  afterAll(() => playground.remove(), 20_000);

  test('it leaves a run that can be rechecked and read; what is secret is nowhere in it', async () => {
    await writeFile(
      join(directory, 'home/scenarios/production.yaml'),
      scenario(silent('ShopSlow'), silent('ShopDown')),
    );
    const url = foreign.url.replace('http://', 'http://looker:s3cret@');
    const system = ['--system', join(directory, 'home/system.ts')];
    const { code, stdout, stderr } = await playground.run(
      'run',
      ...system,
      '--prometheus',
      url,
      '--match',
      'cluster="prod"',
      '--to',
      String(now / 1000),
      '--json',
    );
    expect([code, stderr]).toEqual([0, expect.stringContaining('nothing was started, loaded or broken')]);
    const { runs } = JSON.parse(stdout) as { runs: { directory: string; record: RunRecord }[] };
    const files = [
      'run.json',
      'report.html',
      'report.md',
      'junit.xml',
      'logs/prometheus.log',
      'prometheus/prometheus.yml',
    ];
    const texts = await Promise.all(files.map((file) => readFile(join(runs[0]!.directory, file), 'utf8')));
    for (const text of [...texts, stdout, stderr]) expect(text).not.toMatch(/s3cret|looker/);
    expect(texts[2]).toContain(`${foreign.url}, cluster="prod", `);
    // Tiles of a run would show a 0 where nothing is known.
    expect(texts[2]).not.toMatch(/Alerts that fired|Recovery|no data/);
    const again = await playground.run('recheck', '--json');
    expect([again.code, { ...JSON.parse(again.stdout).record.verdict, judgedAt: 0 }]).toEqual([
      0,
      { ...runs[0]!.record.verdict, judgedAt: 0 },
    ]);
    expect(playground.processes()).toEqual([]);
  });
});
