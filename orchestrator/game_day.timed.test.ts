/** The game day of `npm start`, as a person runs it: a leader dies under load, and everything that is promised of such a run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { obtain } from '../tools/obtain.ts';
import { loadDashboards } from './report/dashboards.ts';
import { shownWindowOf } from './report/input.ts';
import { checkPanels, windowOf } from './report/panels.ts';
import { Playground, root } from './testing/cli.ts';
import { withStoredSeries } from './verdict/stored.ts';

const playground = new Playground();
let ended: Awaited<ReturnType<Playground['run']>>;

beforeAll(async () => {
  ended = await playground.run('start', 'kv');
}, 180_000);
afterAll(() => playground.remove(), 20_000);

test('passes within two minutes, and says so in a table', () => {
  expect(ended.stdout).toContain('PASS  kv-leader-kill');
  expect(ended.code).toBe(0);
  const { startedAt, verdict } = playground.record();
  expect(verdict!.judgedAt - startedAt).toBeLessThan(120_000);
});

test('the leader was killed, clients were served again, and the node came back', () => {
  const [fault] = playground.record().faults;
  expect(fault).toMatchObject({ kind: 'kill', target: 'leader', healthBefore: '3/3', healthAfter: '3/3' });
  expect(fault!.serviceRecoveredAt! - fault!.injectedAt!).toBeLessThan(5_000);
  expect(fault!.recoveredAt! - fault!.healedAt!).toBeLessThan(30_000);
});

test('the missing node was noticed, and nothing else was wrong', () => {
  const { criteria } = playground.record().verdict!;
  const noticed = criteria.find(({ alert }) => alert === 'TargetMissing')!;
  expect(noticed.faultsActive).toEqual(['leader-dies']);
  expect(criteria.filter(({ result }) => result !== 'pass')).toEqual([]);
  expect(criteria.length).toBeGreaterThanOrEqual(20);
});

test('every query of every dashboard returns data', async () => {
  const files = ['overview', 'kv', 'faults'].map((name) => join(root, 'grafana/dashboards', `${name}.json`));
  const { from, to } = shownWindowOf(playground.record());
  const binary = (await obtain(['prometheus'], {})).get('prometheus')!.path;
  const problems = await withStoredSeries(
    { binary, runDirectory: playground.runDirectory, name: 'panels' },
    async (api) => checkPanels(await loadDashboards(files), api, windowOf(from, to)),
  );
  expect(problems).toEqual([]);
}, 60_000);

test('the reports are there, and the page has charts', () => {
  const html = readFileSync(join(playground.runDirectory, 'report.html'), 'utf8');
  expect(html.includes('data-chart=')).toBe(true);
  expect(html.includes('leader-dies')).toBe(true);
  expect(readFileSync(join(playground.runDirectory, 'junit.xml'), 'utf8')).toContain('failures="0"');
});
