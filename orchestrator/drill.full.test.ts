/** Every alert red under its fault, and all of them silent on a healthy run. */
import { afterAll, expect, test } from '@jest/globals';
import type { DrillOutcome } from './drill/outcome.ts';
import { Playground } from './testing/cli.ts';

const playground = new Playground();
afterAll(() => playground.remove(), 20_000);

test('drill --all', async () => {
  const { code, stdout } = await playground.run('drill', '--all', '--json');
  const { drills } = JSON.parse(stdout) as { drills: DrillOutcome[] };
  expect(drills.length).toBeGreaterThan(30);
  const unproven = drills.filter(({ result }) => result !== 'pass');
  expect(unproven.map(({ alert, result, reason }) => `${alert} ${result}: ${reason}`)).toEqual([]);
  expect(drills.map(({ healthy }) => healthy)).toEqual(drills.map(() => 'pass'));
  expect(code).toBe(0);
}, 1_800_000);
