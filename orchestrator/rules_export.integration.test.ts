/** The rules of kv as production takes them: promtool takes them, and they fire where the original does. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { stringify } from 'yaml';
import { obtain } from '../tools/obtain.ts';
import { Playground, root } from './testing/cli.ts';

jest.setTimeout(60_000);

const playground = new Playground();
let directory: string;
let promtool: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rules-'));
  promtool = (await obtain(['promtool'])).get('promtool')!.path;
});
afterAll(async () => {
  rmSync(directory, { recursive: true, force: true });
  await playground.remove();
}, 20_000);

const exported = (...words: string[]) => playground.run('rules', 'export', ...words);

/** The series under which KvFsyncSlow fires: fsyncs of 40 to 80 ms on one node, of 1 ms on the other. */
const INPUT = [
  ['slow', '0.04', '0x60'],
  ['slow', '0.08', '0+100x60'],
  ['slow', '+Inf', '0+100x60'],
  ['fast', '0.001', '0+100x60'],
  ['fast', '+Inf', '0+100x60'],
].map(([node, le, values]) => ({
  series: `kv_wal_fsync_duration_seconds_bucket{job="kv", instance="i", node="${node}", le="${le}"}`,
  values,
}));

/** What promtool says of the alert at 5 s, 40 s: an error shows every alert that it got. */
function firing(file: string, input: readonly object[]): string {
  const tests = [5, 40].map((second) => ({
    eval_time: `${second}s`,
    alertname: 'KvFsyncSlow',
    exp_alerts: [{ exp_labels: { never: 'so' } }],
  }));
  const test = {
    rule_files: [file],
    evaluation_interval: '1s',
    tests: [{ interval: '1s', input_series: input, alert_rule_test: tests }],
  };
  const testFile = join(directory, 'test.yml');
  writeFileSync(testFile, stringify(test));
  const { stdout, stderr, status } = spawnSync(promtool, ['test', 'rules', testFile], { encoding: 'utf8' });
  expect(status).toBe(1);
  return (stdout + stderr).replaceAll(file, 'FILE').replaceAll(/\s*(drill|dashboard_url|runbook_url)="[^"]*",?/g, '');
}

test('promtool takes it, and an alert fires there as the original does, with an objective that a run would export', async () => {
  const file = join(directory, 'exported.yml');
  const { code, stdout, stderr } = await exported(
    '--format',
    'prometheus',
    '--objective',
    'write_p99=50ms',
    '--runbook-base',
    'https://git.example.org/',
    '--output',
    file,
  );
  expect([code, stdout]).toEqual([0, '']);
  for (const line of [
    'left out: the alert NotLinearizable: ',
    'left out: the alert WriteLatencyHigh: ',
    'scrape at least every 2.5 s: ',
  ])
    expect(stderr).toContain(line);
  const text = readFileSync(file, 'utf8');
  expect(text).not.toMatch(/gameday_(?!indicators)|k6_|run_id|drill:/);
  expect(text).toContain('runbook_url: https://git.example.org/docs/runbooks/KvFsyncSlow.md');
  const check = spawnSync(promtool, ['check', 'rules', '--lint=all', '--lint-fatal', file], { encoding: 'utf8' });
  expect([check.status, check.stdout + check.stderr]).toEqual([0, expect.stringMatching(/SUCCESS: \d+ rules found/)]);
  const objective = (value: number) => ({
    series: 'gameday_objective_write_p99_seconds{job="gameday", instance="o"}',
    values: `${value}x60`,
  });
  const original = firing(join(root, 'alerts/kv.rules.yml'), [...INPUT, objective(0.05)]);
  expect(original).toMatch(/node="slow"/);
  expect(original).not.toMatch(/node="fast"/);
  expect(firing(file, INPUT)).toBe(original);
  // With another objective it would not fire: the number is the one that was given.
  expect(firing(join(root, 'alerts/kv.rules.yml'), [...INPUT, objective(0.5)])).not.toBe(original);
});
