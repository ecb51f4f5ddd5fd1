/** SIGINT, SIGTERM, SIGHUP and SIGKILL of the orchestrator at several moments: no orphan, every fault healed, what can be known is written. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Playground } from './testing/cli.ts';

/** An interrupted run ends within seven seconds; the test's own machine may be busy. */
const LIMIT_MS = 7500;

const SCENARIO = `version: 1
id: interrupted
title: A node is paused and nobody waits for its heal
system: kv
load: { script: kv/steady.ts, rate: 30/s, duration: 20s }
settle: 10s
objectives: { availability: 99% }
faults:
  - { name: sleeps, at: 2s, pause: leader, heal_after: 15s }
criteria:
  - { alert: KvNoLeader, expect: silent }
`;

let playground: Playground;
let scenario: string;

beforeEach(() => {
  playground = new Playground();
  scenario = join(mkdtempSync(join(tmpdir(), 'gameday-scenario-')), 'interrupted.yaml');
  writeFileSync(scenario, SCENARIO);
});
afterEach(async () => {
  await playground.remove();
  rmSync(join(scenario, '..'), { recursive: true });
}, 20_000);

/** Moments of a run, by what it says when it comes to them. */
const MOMENTS = {
  'right after its start': 'interrupted  A node is paused',
  'while the nodes come up': 'prometheus 3',
  'while the load runs': 'load       20s ahead',
  'while a node is paused': 'sleeps: pause leader',
} as const;

async function interrupt(moment: keyof typeof MOMENTS, signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP' | 'SIGKILL') {
  const run = playground.start('run', scenario);
  await run.says(MOMENTS[moment]);
  const from = performance.now();
  run.signal(signal);
  const ended = await run.ended;
  return { ...ended, tookMs: performance.now() - from };
}

describe('SIGINT, SIGTERM and SIGHUP', () => {
  test.each([
    ['right after its start', 'SIGINT', 130],
    ['while the nodes come up', 'SIGTERM', 143],
    ['while the load runs', 'SIGINT', 130],
    ['while a node is paused', 'SIGTERM', 143],
    ['while a node is paused', 'SIGHUP', 129],
  ] as const)(
    '%s: %s ends with %d, in order and in time',
    async (moment, signal, expected) => {
      const { code, stdout, tookMs } = await interrupt(moment, signal);
      expect({ code, stdout }).toMatchObject({ code: expected });
      expect(tookMs).toBeLessThan(LIMIT_MS);
      expect(playground.processes()).toEqual([]);
      const record = playground.record();
      expect(record.interrupted).toMatchObject({ signal });
      expect(record.phases.every(({ to }) => to !== undefined)).toBe(true);
      expect(readFileSync(join(playground.runDirectory, 'report.md'), 'utf8')).toContain(signal);
      expect(existsSync(join(playground.runDirectory, 'report.html'))).toBe(true);
      expect(existsSync(join(playground.runDirectory, 'lock'))).toBe(false);
      if (moment === 'while a node is paused') expect(record.faults[0]?.healedAt).toBeGreaterThan(0);
    },
    60_000,
  );
});

test('one wish that arrives twice, as from `timeout` or a supervisor of the group, is one', async () => {
  const run = playground.start('run', scenario);
  await run.says('load       20s ahead');
  run.signal('SIGINT');
  // Another one, since the system may deliver two equal ones as one.
  run.signal('SIGTERM');
  const { code, stderr } = await run.ended;
  // Two signals at once come in any order; the first that is seen names the interruption.
  expect(code).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[playground.record().interrupted!.signal]);
  expect(stderr).not.toContain('by force');
  expect(existsSync(join(playground.runDirectory, 'report.html'))).toBe(true);
}, 60_000);

test('a reader that goes away, as in `| head`, does not end the run', async () => {
  const run = playground.start('run', scenario);
  await run.says('prometheus 3');
  run.stopReading();
  while (playground.record().load === null) await new Promise((resume) => setTimeout(resume, 50));
  run.signal('SIGINT');
  expect((await run.ended).code).toBe(130);
  expect(playground.processes()).toEqual([]);
}, 60_000);

test('a launcher that was killed is an interruption', async () => {
  const launcher = playground.startByLauncher('run', scenario);
  await launcher.says('load       20s ahead');
  launcher.signal('SIGKILL');
  // The pipes are closed when the orchestrator has ended, too.
  await launcher.ended;
  expect(playground.record().interrupted).toMatchObject({ signal: 'SIGTERM' });
  expect(playground.processes()).toEqual([]);
}, 60_000);

describe('SIGKILL', () => {
  test.each(['right after its start', 'while the load runs', 'while a node is paused'] as const)(
    '%s: `down --all` ends what is left, a paused node too',
    async (moment) => {
      await interrupt(moment, 'SIGKILL');
      const paused = playground.processes().filter(isStopped);
      expect(paused).toHaveLength(moment === 'while a node is paused' ? 1 : 0);

      // Nobody touches the run before what it left has ended.
      const refused = await playground.run('recheck');
      expect(refused.code).not.toBe(0);

      const down = await playground.run('down', '--all');
      expect(down).toMatchObject({ code: 0 });
      expect(playground.processes()).toEqual([]);
      expect((await playground.run('down', '--all')).stdout).toBe('nothing was running\n');
    },
    60_000,
  );
});

describe('while a link is cut and a disk is full', () => {
  const cut = SCENARIO.replace('pause: leader', 'partition: leader').replace(
    'criteria:',
    '  - { name: full, at: 2s, disk_full: follower, heal_after: 15s }\ncriteria:',
  );
  beforeEach(() => writeFileSync(scenario, cut));

  async function reachFaults() {
    const run = playground.start('run', scenario);
    await run.says('sleeps: partition leader');
    await run.says('full: disk_full follower');
    return run;
  }

  test('SIGINT heals both, and the proxies end after the nodes', async () => {
    const run = await reachFaults();
    run.signal('SIGINT');
    expect((await run.ended).code).toBe(130);
    expect(playground.processes()).toEqual([]);
    const { faults } = playground.record();
    expect(faults.map(({ error }) => error)).toEqual([undefined, undefined]);
    for (const { healedAt } of faults) expect(healedAt).toBeGreaterThan(0);
  }, 60_000);

  test('SIGKILL leaves proxies and nodes, and `down --all` ends them: with them the faults are gone', async () => {
    const run = await reachFaults();
    run.signal('SIGKILL');
    await run.ended;
    const commands = playground.processes().map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
    expect(commands.filter((command) => command.includes('toxiproxy'))).toHaveLength(1);
    expect(await playground.run('down', '--all')).toMatchObject({ code: 0 });
    expect(playground.processes()).toEqual([]);
    // The token that opens the nodes' fault endpoints is in no file of the run.
    const token = /GAMEDAY_ADMIN_TOKEN|[0-9a-f]{48}/;
    expect(readFileSync(join(playground.runDirectory, 'run.json'), 'utf8')).not.toMatch(token);
  }, 60_000);
});

test('`down --all` leaves a run alone that is going on', async () => {
  const run = playground.start('run', scenario);
  await run.says('load       20s ahead');
  const down = await playground.run('down', '--all');
  expect(down.stdout).toBe('nothing was running\n');
  expect(down.stderr).toContain('is going on under process');
  expect(playground.processes().length).toBeGreaterThanOrEqual(5);
  run.signal('SIGINT');
  expect((await run.ended).code).toBe(130);
}, 60_000);

function isStopped(pid: number): boolean {
  return /\) T /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}
