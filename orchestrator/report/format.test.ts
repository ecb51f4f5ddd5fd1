import { expect, test } from '@jest/globals';
import { formatInstant, formatOffset, formatSeconds, formatValue } from './format.ts';

test.each([
  [0, '0 s'],
  [0.000_042, '42 µs'],
  [0.012_34, '12.3 ms'],
  [1.254, '1.25 s'],
  [61, '61 s'],
  [125, '2 min 5 s'],
  [3600 * 4, '4 h'],
  [-3, '-3 s'],
])('%d seconds read %s', (seconds, text) => {
  expect(formatSeconds(seconds)).toBe(text);
});

test.each([
  [0.999_12, 'percentunit', 3, '99.912 %'],
  [1536, 'bytes', undefined, '1.5 KiB'],
  [512, 'Bps', undefined, '512 B/s'],
  [12_345, 'short', undefined, '12.3 K'],
  [199.6, 'ops', undefined, '200/s'],
  [0.000_12, 'none', undefined, '0.00012'],
  [3, 'furlong', undefined, '3 furlong'],
  [null, 's', undefined, '–'],
  [Number.NaN, 's', undefined, '–'],
  [Number.POSITIVE_INFINITY, 's', undefined, '∞'],
])('%s as %s', (value, unit, decimals, text) => {
  expect(formatValue(value, unit, decimals)).toBe(text);
});

test('times', () => {
  expect(formatOffset(25_400)).toBe('+0:25');
  expect(formatOffset(-2_000)).toBe('-0:02');
  expect(formatOffset(-300)).toBe('+0:00');
  expect(formatOffset(3_723_000)).toBe('+1:02:03');
  expect(formatInstant(Date.UTC(2026, 2, 4, 3, 0, 25))).toBe('2026-03-04 03:00:25 UTC');
});
