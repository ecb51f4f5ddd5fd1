import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ScenarioParser } from './document.ts';
import { loadPlan, loadTimeMaxMs } from './load_plan.ts';

const schema = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../scenarios/scenario.schema.json'), 'utf8'));
const parser = new ScenarioParser(schema);

function parse(load: string, ci = '') {
  const text = `version: 1
id: kv-x
title: A scenario
system: kv
load: ${load}
criteria: [{ alert: KvNoLeader, expect: silent }]
${ci}`;
  return parser.parse(text, 'x.yaml');
}

function plan(load: string, options: { ci?: string; timeScale?: number } = {}) {
  const parsed = parse(load, options.ci === undefined ? '' : `ci: { load: ${options.ci} }`);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const { load: source, ci } = parsed.source;
  return loadPlan(source, ci?.load, options.timeScale ?? 1);
}

function problems(load: string): string[] {
  const parsed = parse(load);
  return parsed.ok ? [] : parsed.problems.map(({ line, message }) => `${line}: ${message}`);
}

describe('a counted load', () => {
  test('without a duration sets no pace', () => {
    expect(plan('{ script: kv/flood.ts, profile: count, count: 100 }')).toEqual({
      ...{ script: 'kv/flood.ts', profile: 'count', durationMs: 0, deadlineMs: 5000, ratePerSecond: 0, history: true },
      closed: { count: 100, concurrency: 10 },
    });
  });

  test('with a duration is spread over it, and keeps its rate when it is shortened', () => {
    const load =
      '{ script: kv/storm.ts, profile: count, count: 3000, concurrency: 50, duration: 60s, read_share: 20% }';
    expect(plan(load)).toMatchObject({ ratePerSecond: 50, durationMs: 60_000, readShare: 0.2 });
    expect(plan(load, { timeScale: 0.5 })).toMatchObject({
      ...{ ratePerSecond: 50, durationMs: 30_000 },
      closed: { count: 1500, concurrency: 50 },
    });
    expect(plan(load, { ci: '{ count: 1000, duration: 20s }' })).toMatchObject({
      ...{ ratePerSecond: 50, durationMs: 20_000 },
      closed: { count: 1000 },
    });
  });

  test('in bursts has a client for each operation of one, up to a hundred', () => {
    const load = 'script: kv/burst.ts, profile: count, bursts: 4, pause: 500ms';
    expect(plan(`{ ${load}, size: 20 }`).closed).toEqual({
      ...{ count: 80, concurrency: 20 },
      burst: { size: 20, pauseMs: 500 },
    });
    expect(plan(`{ ${load}, size: 1000 }`).closed).toMatchObject({ count: 4000, concurrency: 100 });
    expect(plan(`{ ${load}, size: 20, concurrency: 5 }`, { ci: '{ bursts: 2 }' }).closed).toMatchObject({
      ...{ count: 40, concurrency: 5 },
    });
  });

  test('may take as long as every operation takes at its deadline', () => {
    expect(loadTimeMaxMs(plan('{ script: kv/flood.ts, profile: count, count: 100 }'))).toBe(10 * 3 * 5000);
    expect(loadTimeMaxMs(plan('{ script: kv/steady.ts, rate: 10/s, duration: 60s }'))).toBe(65_000);
  });
});

describe('a mistake in a load', () => {
  test.each([
    ['{ script: a.ts, rate: 5/s }', '5: `load` lacks the field "duration"'],
    ['{ script: a.ts, duration: 5s }', '5: `load` lacks the field "rate"'],
    [
      '{ script: a.ts, profile: steady, rate: 5/s, duration: 5s, count: 3 }',
      '5: `load.count` is 3: expected nothing here: only the profile count takes it',
    ],
    [
      '{ script: a.ts, profile: count, count: 3, rate: 5/s }',
      '5: `load.rate` is "5/s": expected no rate: with the profile count, `count` and `duration` make it',
    ],
    [
      '{ script: a.ts, profile: count }',
      '5: `load`: expected with the profile count exactly one of `count`, and `size` with `bursts`',
    ],
    [
      '{ script: a.ts, profile: count, size: 5 }',
      '5: `load`: expected with the profile count exactly one of `count`, and `size` with `bursts`',
    ],
    [
      '{ script: a.ts, profile: count, count: 5, size: 5, bursts: 2 }',
      '5: `load`: expected with the profile count exactly one of `count`, and `size` with `bursts`',
    ],
    ['{ script: a.ts, profile: count, count: 0 }', '5: `load.count` is 0: expected a whole number from 1 to 10000000'],
    [
      '{ script: a.ts, profile: count, count: 5, concurrency: 2000 }',
      '5: `load.concurrency` is 2000: expected a number of clients from 1 to 1000',
    ],
    [
      '{ script: a.ts, profile: count, count: 5, read_share: 120% }',
      '5: `load.read_share` is "120%": expected a share such as 50%',
    ],
  ])('%s', (load, problem) => expect(problems(load)).toEqual([problem]));
});
