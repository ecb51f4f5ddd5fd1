import { describe, expect, test } from '@jest/globals';
import { readLoadInput } from './environment.ts';

const input = {
  runId: 'r1',
  segment: 2,
  seed: 7,
  targets: ['http://127.0.0.1:8080', 'http://127.0.0.1:8081'],
  profile: 'steady',
  ratePerSecond: 150,
  durationSeconds: 60,
  objectives: { availability: { unit: 'ratio', value: 0.999 }, write_p99: { unit: 'seconds', value: 0.05 } },
};
const read = (change: Record<string, unknown> = {}) =>
  readLoadInput({ GAMEDAY_LOAD: JSON.stringify({ ...input, ...change }) });

describe('readLoadInput', () => {
  test('fills in the deadline, the time of an attempt, and that faults may happen', () => {
    expect(read()).toEqual({
      ...{ ...input, deadlineSeconds: 5, attemptTimeoutSeconds: 2, faultsPlanned: true },
      ...{ readShare: 0.5, history: true, summaryByOutcome: false },
    });
  });

  test('an attempt takes its share of the deadline that is given', () => {
    expect(read({ deadlineSeconds: 1, faultsPlanned: false })).toMatchObject({
      attemptTimeoutSeconds: 0.4,
      faultsPlanned: false,
    });
  });

  test.each([
    [{ ratePerSecond: 0 }, 'ratePerSecond = 0'],
    [{ ratePerSecond: '150' }, 'ratePerSecond = "150"'],
    [{ durationSeconds: undefined }, 'durationSeconds = undefined'],
    [{ runId: '' }, 'runId = ""'],
    [{ targets: [] }, 'targets = []'],
    [{ targets: ['127.0.0.1:8080'] }, 'targets = ["127.0.0.1:8080"]'],
    [{ targets: ['http://127.0.0.1:8080/'] }, 'targets = ["http://127.0.0.1:8080/"]'],
    [{ objectives: { write_p99: '50ms' } }, 'objectives.write_p99 = "50ms"'],
  ])('refuses %j by name and value', (change, message) => {
    expect(() => read(change)).toThrow(message);
  });

  test('a counted load takes what it is told, and otherwise the defaults of its script', () => {
    const defaults = { count: 250, concurrency: 50, burst: { size: 50, pauseSeconds: 1 }, readShare: 0.25 };
    const { ratePerSecond: _, durationSeconds: __, ...counted } = { ...input, profile: 'count' };
    const readCounted = (closed?: object) =>
      readLoadInput({ GAMEDAY_LOAD: JSON.stringify({ ...counted, closed }) }, defaults);
    const { readShare, ...closed } = defaults;
    expect(readCounted()).toMatchObject({ closed, readShare, durationSeconds: 0 });
    expect(readCounted({ concurrency: 5 }).closed).toMatchObject({ count: 250, concurrency: 5, burst: { size: 50 } });
    // A count is told: the bursts of the defaults are another load.
    expect(readCounted({ count: 20 }).closed).toEqual({ count: 20, concurrency: 50 });
    expect(() => readCounted({ count: 1.5 })).toThrow('count = 1.5');
    expect(() => readCounted({ count: 10, concurrency: 0 })).toThrow('concurrency = 0');
    expect(() => readCounted({ count: 10, burst: { size: 5 } })).toThrow('pauseSeconds = undefined');
  });

  test.each([-0.1, 1.1, '50%'])('a share of reads of %j is none', (readShare) => {
    expect(() => read({ readShare })).toThrow('readShare');
  });

  test('says how to start the script when there is no input', () => {
    expect(() => readLoadInput({})).toThrow('gameday run');
  });
});
