import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { interruptedRecord, K6_SUMMARY, SyntheticQueries, syntheticRecord } from './testdata/synthetic.ts';
import { writeReports } from './write.ts';

const DASHBOARDS = ['overview', 'kv', 'faults'].map((name) =>
  fileURLToPath(new URL(`../../grafana/dashboards/${name}.json`, import.meta.url)),
);

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gameday-report-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

test('writes the three reports and nothing else', async () => {
  await writeFile(path.join(directory, 'k6-summary.json'), K6_SUMMARY);
  await writeFile(path.join(directory, 'RecoveryTooSlow.md'), '# RecoveryTooSlow\n\nRead me at night.\n');
  const written = await writeReports({
    record: syntheticRecord('fail'),
    runDirectory: directory,
    prometheus: new SyntheticQueries(),
    dashboards: DASHBOARDS,
    runbooks: [directory],
  });
  expect(written.problems).toEqual([]);
  expect((await readdir(directory)).sort()).toEqual([
    'RecoveryTooSlow.md',
    'junit.xml',
    'k6-summary.json',
    'report.html',
    'report.md',
  ]);
  const html = await readFile(written.html, 'utf8');
  expect(html).toContain('Read me at night.');
  expect(html).toContain('operation_duration');
  expect(await readFile(written.markdown, 'utf8')).toContain('Write p99');
});

test('an interrupted run without Prometheus, summary, runbooks has its reports too', async () => {
  const written = await writeReports({
    record: interruptedRecord(),
    runDirectory: directory,
    dashboards: DASHBOARDS,
    runbooks: [path.join(directory, 'nowhere')],
  });
  for (const file of [written.html, written.markdown]) expect(await readFile(file, 'utf8')).toContain('NO VERDICT');
});

test('a Prometheus that is gone and a dashboard that is not there are problems and no end', async () => {
  const prometheus = {
    queryRange: async () => {
      throw new Error('connect ECONNREFUSED');
    },
  };
  const [overview = ''] = DASHBOARDS;
  const written = await writeReports({
    record: syntheticRecord('pass'),
    runDirectory: directory,
    prometheus,
    dashboards: [overview, '/nowhere/kv.json'],
    runbooks: [directory],
  });
  expect(written.problems[0]).toContain('/nowhere/kv.json');
  expect(written.problems.filter((problem) => problem.includes('ECONNREFUSED')).length).toBeGreaterThan(0);
  expect(await readFile(written.html, 'utf8')).toContain('PASS');
});
