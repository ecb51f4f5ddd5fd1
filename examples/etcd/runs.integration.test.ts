/** etcd through the machinery that every system goes through: a run that has to pass, and a planted wrongness that has to fail. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Ended, Playground } from '../../orchestrator/testing/cli.ts';

const dashboard = JSON.parse(readFileSync(join(import.meta.dirname, 'dashboards/etcd.json'), 'utf8')) as {
  readonly panels: readonly { readonly type: string; readonly title: string }[];
};
const SYSTEM = './examples/etcd/system.ts';
const [sound, careless] = [new Playground(), new Playground()];
let ended: { readonly sound: Ended; readonly careless: Ended };

beforeAll(async () => {
  ended = {
    sound: await sound.run('run', 'smoke', '--system', SYSTEM, '--json'),
    careless: await careless.run('run', 'serializable-reads', '--system', SYSTEM, '--json'),
  };
}, 150_000);
afterAll(async () => {
  await Promise.all([sound.remove(), careless.remove()]);
}, 20_000);

const criteria = (playground: Playground) =>
  Object.fromEntries(playground.record().verdict!.criteria.map(({ alert, result }) => [alert, result]));

describe('a storm in which the leader is killed and another one is cut off', () => {
  test('passes, and every criterion could have failed', () => {
    const { verdict, release } = sound.record();
    expect({ reasons: verdict?.reasons, ...ended.sound }).toMatchObject({ reasons: [], code: 0 });
    expect(new Set(Object.values(criteria(sound)))).toEqual(new Set(['pass']));
    expect(release).toMatch(/^3\.6\.\d+$/);
  });

  test('both faults were injected and healed, and each cost the clients an election at least', () => {
    const { faults } = sound.record();
    expect(faults.map(({ kind, target }) => `${kind} ${target}`)).toEqual(['kill leader', 'partition leader']);
    for (const fault of faults) {
      expect(fault).toMatchObject({ healedAt: expect.any(Number), recoveredAt: expect.any(Number) });
      expect(fault.serviceRecoveredAt! - fault.injectedAt!).toBeGreaterThan(200);
    }
  });

  test('what the clients saw was checked, every entry was read, and the states of all members were compared', () => {
    const { checkers } = sound.record();
    expect(checkers?.linearizability).toMatchObject({ linearizable: true });
    expect(checkers!.linearizability!.operations).toBeGreaterThan(1500);
    expect(checkers?.durability).toMatchObject({ durable: true, lostWrites: 0 });
    expect(checkers!.durability!.writes).toBeGreaterThan(400);
    expect(checkers?.states).toMatchObject({ result: 'equal', distinct: 1 });
    expect(checkers!.states!.states).toHaveLength(3);
  });

  test('the report draws its dashboard, with data in every panel', () => {
    const page = readFileSync(join(sound.runDirectory, 'report.html'), 'utf8');
    // Each panel begins with its title.
    const panels = page.split('<h4').slice(1);
    const titles = dashboard.panels.filter(({ type }) => type !== 'row').map(({ title }) => title);
    const drawn = (title: string) => panels.filter((panel) => panel.includes(`>${title}<`));
    expect(titles.filter((title) => drawn(title).length === 0)).toEqual([]);
    expect(titles.filter((title) => drawn(title).some((panel) => panel.includes('no data')))).toEqual([]);
  });
});

test('reads that ask nobody are stale while a follower is cut off, and the verdict is fail', () => {
  expect(ended.careless).toMatchObject({ code: 1 });
  expect(criteria(careless)).toMatchObject({
    ...{ NotLinearizable: 'fail', StaleRead: 'fail' },
    // It is the reads that are wrong: nothing that was written is lost, and the members agree.
    ...{ AcknowledgedWriteLost: 'pass', StatesDiverged: 'pass', CheckersMissing: 'pass' },
  });
  const [violation] = careless.record().checkers!.linearizability!.violations;
  expect(violation!.window.some(({ operation }) => operation === 'read')).toBe(true);
});
