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
    expect(read()).toEqual({ ...input, deadlineSeconds: 5, attemptTimeoutSeconds: 2, faultsPlanned: true });
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

  test('says how to start the script when there is no input', () => {
    expect(() => readLoadInput({})).toThrow('gameday run');
  });
});
