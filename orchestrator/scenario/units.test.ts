import { describe, expect, test } from '@jest/globals';
import {
  formatDuration,
  objectiveMetricName,
  parseDuration,
  parseObjective,
  parsePercent,
  parseRate,
} from './units.ts';

describe('units', () => {
  test.each([
    ['250ms', 250],
    ['1.5s', 1500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
  ])('%s is %d ms', (text, expected) => expect(parseDuration(text)).toBe(expected));

  test.each(['', '10', '-5s', '5 s', '1m30s', 's', '5S'])('%p is no duration', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  test('rates are a second', () => {
    expect(parseRate('150/s')).toBe(150);
    expect(parseRate('120/m')).toBe(2);
    expect(parseRate('100')).toBeUndefined();
  });

  test('a percentage is the decimal ratio that was meant', () => {
    expect(parsePercent('99.9%')).toBe(0.999);
    expect(parsePercent('99.99%')).toBe(0.9999);
  });

  test.each([
    ['write_p99', '50ms', 'gameday_objective_write_p99_seconds', 0.05],
    ['availability', '99.9%', 'gameday_objective_availability_ratio', 0.999],
    ['throughput', '100/s', 'gameday_objective_throughput_per_second', 100],
  ])('the objective %s: %s is exported as %s', (name, text, metric, value) => {
    const objective = parseObjective(text)!;
    expect(objectiveMetricName(name, objective)).toBe(metric);
    expect(objective.value).toBe(value);
  });

  test.each([
    [250, '250ms'],
    [1500, '1.5s'],
    [60_000, '1m'],
    [90_000, '1m30s'],
    [3_661_000, '1h1m1s'],
  ])('%d ms is written %s', (milliseconds, expected) => expect(formatDuration(milliseconds)).toBe(expected));
});
