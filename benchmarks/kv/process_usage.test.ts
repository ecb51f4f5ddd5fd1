import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { parseBusy, parseResident, parseStat, usageIsKnown, watchUsage } from './process_usage.ts';

describe('what /proc says', () => {
  const fields = (command: string) =>
    `4711 (${command}) S 1 4711 4711 0 -1 4194304 99 98 97 96 150 25 1000 234 20 0 11 0 5000 1 2 3`;

  test.each(['node', 'stress_node --no', 'a) R 7 (b'])('CPU time of a process called "%s"', (command) => {
    expect(parseStat(fields(command))).toEqual({ own: 1.75, children: 12.34 });
  });

  test('resident memory; none of a process that has ended', () => {
    expect(parseResident('Name:\tnode\nVmPeak:\t 9 kB\nVmRSS:\t   81920 kB\nThreads:\t11\n')).toBe(83_886_080);
    expect(() => parseResident('Name:\tnode\nState:\tZ (zombie)\n')).toThrow('has ended');
  });

  test('busy time leaves idle and waiting for disks out, and guests, which are in user time', () => {
    expect(parseBusy('cpu  100 20 300 99999 88888 7 50 23 4444 5555\ncpu0 1 1 1 1\n')).toBe(5);
  });
});

(usageIsKnown ? test : test.skip)('a child that burns CPU is counted as client once it has ended', () => {
  const usageSince = watchUsage([process.pid]);
  spawnSync(process.execPath, ['-e', 'const end = Date.now() + 300; while (Date.now() < end);']);
  const { client, others } = usageSince();
  expect(client).toBeGreaterThan(0.1);
  expect(client).toBeLessThan(5);
  expect(others).toBeGreaterThanOrEqual(0);
});
