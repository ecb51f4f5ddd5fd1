/**
 * RS-001 … RS-007 (requirements: lithair-replication-stress) and the same storm under faults of links and disks, at CI size, one after
 * the other: every operation succeeds, the histories are linearizable, nothing acknowledged is lost, the states are equal.
 */
import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { Playground, root } from './testing/cli.ts';

const playground = new Playground();
afterAll(() => playground.remove(), 20_000);

const scenarios = readdirSync(join(root, 'scenarios/kv'))
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => basename(name, '.yaml'));

test.each(scenarios)(
  'kv/%s',
  async (name) => {
    const { code, stdout } = await playground.run('run', `kv/${name}`, '--ci', '--json');
    const { record } = (JSON.parse(stdout) as { runs: { record: ReturnType<Playground['record']> }[] }).runs[0]!;
    const criteria = record.verdict?.criteria.filter(({ result }) => result !== 'pass') ?? [];
    expect({ error: record.error, criteria: criteria.map(({ alert, reason }) => `${alert}: ${reason}`) }).toEqual({
      error: undefined,
      criteria: [],
    });
    expect(record.checkers?.linearizability).toMatchObject({ linearizable: true });
    expect(code).toBe(0);
  },
  200_000,
);
