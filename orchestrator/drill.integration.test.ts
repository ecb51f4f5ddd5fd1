/** One drill, as a person runs it: the shortest one. All of them: drill.full.test.ts. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { DrillOutcome } from './drill/outcome.ts';
import type { RunRecord } from './run/record.ts';
import { type Ended, Playground } from './testing/cli.ts';

/** All that one scenario drills: a node that acknowledges writes and never makes them. */
const LOSES = 'misbehave node:1 (lose-writes)';
/** Each with the fault that it is about. */
const FAULTS = {
  AcknowledgedWriteLost: LOSES,
  NotLinearizable: LOSES,
  StaleRead: LOSES,
  StatesDiverged: 'misbehave node:2 (skip-apply)',
};
const ALERTS = Object.keys(FAULTS);

const playground = new Playground();
let ended: Ended;
beforeAll(async () => {
  ended = await playground.run('drill', ...ALERTS, '--no-healthy', '--json');
}, 90_000);
afterAll(() => playground.remove(), 20_000);

test('lost writes are seen by clients, histories and who looks for every write; states that differ by who compares them', () => {
  const { drills } = JSON.parse(ended.stdout) as { drills: DrillOutcome[] };
  const seen = drills.map(({ alert, result, reason }) => `${alert} ${result}: ${reason}`);
  expect(seen.sort()).toEqual(ALERTS.map((alert) => expect.stringContaining(`${alert} pass`)));
  expect(drills.every(({ detectMs }) => detectMs !== null && detectMs > 0)).toBe(true);
  expect(Object.fromEntries(drills.map(({ alert, fault }) => [alert, fault]))).toEqual(FAULTS);
  expect(ended.code).toBe(0);
});

test('the plan was shown before: one run', () => {
  expect(ended.stderr).toMatch(/^kv\/drills\/lost-writes .*\n1 run, about/);
});

test('explain shows the drill, the rule and the runbook', async () => {
  const { code, stdout } = await playground.run('explain', 'StaleRead');
  expect(code).toBe(0);
  expect(stdout).toContain('misbehave node:1 (lose-writes): pass, red after');
  expect(stdout).toContain('k6_stale_reads_total) > 0');
  expect(stdout).toContain('## Mitigation');
}, 30_000);

test('a name that is no alert is refused with the nearest one, and nothing is run', async () => {
  for (const command of ['drill', 'explain']) {
    const { code, stderr } = await playground.run(command, 'StaleReads');
    expect(code).toBe(2);
    expect(stderr).toContain('did you mean "StaleRead"?');
  }
}, 30_000);

test('recheck by the rules of the working tree says the same, and leaves the record alone', async () => {
  const before = playground.record();
  const { stdout } = await playground.run('recheck', '--rules', 'current', '--json');
  const { record } = JSON.parse(stdout) as { record: RunRecord };
  const judged = ({ verdict }: RunRecord) =>
    verdict!.criteria.map(({ alert, result, firing }) => ({ alert, result, firing }));
  expect(judged(record)).toEqual(judged(before));
  expect(playground.record()).toEqual(before);
}, 30_000);
