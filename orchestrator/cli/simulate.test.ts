import { describe, expect, test } from '@jest/globals';
import { Interruption } from '../run/interruption.ts';
import { commandLine } from './testing/command_line.ts';

const PATIENCE_MS = 60_000;

const simulate = (words: readonly string[], signal?: AbortSignal) =>
  commandLine(['simulate', ...words], signal === undefined ? {} : { signal });

/** The words after `npx gameday simulate` in the line that repeats a run. */
function repetition(stdout: string): string[] {
  return /^repeat +npx gameday simulate (.*)$/m.exec(stdout)![1]!.split(' ');
}

describe('seeds of the product', () => {
  test(
    'pass with 0, and say how fast',
    async () => {
      const { code, stdout } = await simulate(['kv', '--seeds', '4']);
      expect(code).toBe(0);
      expect(stdout).toMatch(
        /^4 seeds passed: \d+ messages, \d+ s of virtual time in [\d.]+ s, \d+ seeds\/s, \d+ messages\/s\n$/,
      );
    },
    PATIENCE_MS,
  );

  test('one seed has the same trace each time, and shows every event when asked', async () => {
    const first = await simulate(['kv', '--seed', '7']);
    const second = await simulate(['kv', '--seed', '7', '--trace']);
    const hash = /trace ([0-9a-f]{16})/;
    expect(first.code).toBe(0);
    expect(second.stdout.split('\n').length).toBeGreaterThan(1000);
    expect(hash.exec(second.stdout)![1]).toBe(hash.exec(first.stdout)![1]);
    expect(hash.exec((await simulate(['kv', '--seed', '8'])).stdout)![1]).not.toBe(hash.exec(first.stdout)![1]);
  });

  test(
    'until the time is up, with progress in plain lines',
    async () => {
      const { code, stdout } = await simulate(['kv', '--duration', '1s', '--workers', '1']);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^\d+ seeds passed/);
    },
    PATIENCE_MS,
  );
});

describe('a failing seed', () => {
  test(
    'is made smaller, told as a story, and repeated by the line that is printed',
    async () => {
      const { code, stdout } = await simulate(['kv', '--bug', 'acknowledged-before-fsync', '--workers', '1']);
      expect(code).toBe(1);
      expect(stdout).toMatch(/^seed \d+ breaks durability \(safety\) at [\d.]+ ms$/m);
      const [, faults, operations] = /^shrunk .* faults to (\d+), \d+ operations to (\d+), in \d+ runs$/m.exec(stdout)!;
      expect(Number(faults) + Number(operations)).toBeLessThanOrEqual(5);
      expect(stdout).toMatch(/^the plan\n {2}\d nodes?; latency /m);
      const again = await simulate(repetition(stdout));
      expect(again.code).toBe(1);
      const trace = (text: string) => /^trace +([0-9a-f]{16})$/m.exec(text)![1];
      expect(trace(again.stdout)).toBe(trace(stdout));
    },
    PATIENCE_MS,
  );

  test(
    'is one JSON document when that is wanted',
    async () => {
      const { code, stdout } = await simulate([
        'kv',
        '--bug',
        'retry-applied-twice',
        '--seeds',
        '20',
        '--json',
        '--no-shrink',
      ]);
      const document = JSON.parse(stdout);
      expect(code).toBe(1);
      expect(document).toMatchObject({ exitCode: 1, system: 'kv', bug: 'retry-applied-twice', interrupted: null });
      expect(document.failures).toHaveLength(1);
      const { seed, failure, repeat, shrunk } = document.failures[0];
      expect(failure).toMatchObject({ kind: 'safety', invariant: 'exactly-once' });
      expect(repeat).toBe(`npx gameday simulate kv --seed ${seed} --bug retry-applied-twice`);
      expect(shrunk).toBeNull();
    },
    PATIENCE_MS,
  );
});

test(
  'a signal ends it with what was done by then',
  async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Interruption('SIGINT')), 1000);
    const { code, stdout } = await simulate(['kv', '--seeds', '1000000'], controller.signal);
    expect(code).toBe(130);
    expect(stdout).toMatch(/^\d+ seeds passed: .*; ended by SIGINT\n$/);
  },
  PATIENCE_MS,
);

test.each([
  [['kw'], 'unknown system "kw": expected kv — did you mean "kv"?'],
  [['kv', '--bug', 'stale-raed'], 'did you mean "stale-read"?'],
  [['kv', '--only-faults', '1'], 'say which with --seed'],
  [['kv', '--seed', '4', '--seeds', '10'], "option '--seed <seed>' cannot be used with option '--seeds <count>'"],
  [['kv', '--trace'], '--trace shows one run: say which with --seed'],
  [['kv', '--seed', '1', '--only-operations', 'x'], 'Expected positions such as 3,7,12-18, or none.'],
  [['kv', '--seed', '1', '--only-operations', '5-99999'], 'the plan of seed 1 has positions 0 to'],
  [['kv', '--seed', '1', '--calm', 'rain'], 'Expected some of latency, loss'],
  [['kv', '--duration', '10'], 'Expected a time such as 90s or 10m.'],
  [['kv', '--seeds', '0'], 'Expected a whole number of at least 1.'],
])('a mistake on the command line is 2: %p', async (words, message) => {
  const { code, stderr } = await simulate(words);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
});
