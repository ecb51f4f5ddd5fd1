import { describe, expect, test } from '@jest/globals';
import { interpolate, legendOf } from './interpolate.ts';

const WINDOW = { from: 1_000_000, to: 1_076_000, stepMs: 1000, scrapeIntervalMs: 1000 };

describe('queries', () => {
  test('the rate interval is at least four scrapes', () => {
    expect(interpolate('rate(a[$__rate_interval])', WINDOW, {})).toBe('rate(a[4s])');
  });

  test('and follows the step when that is longer', () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own spelling.
    expect(interpolate('rate(a[${__rate_interval}])', { ...WINDOW, stepMs: 15_000 }, {})).toBe('rate(a[16s])');
  });

  test('the range is the whole window', () => {
    expect(interpolate('increase(a[$__range]) / $__range_s', WINDOW, {})).toBe('increase(a[76s]) / 76');
  });

  test("the dashboard's variables are replaced in every spelling, the end of a regular expression is not one", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana's own spelling.
    expect(interpolate('a{job=~"$job",i=~"${instance:regex}",x=~"b$"}', WINDOW, { job: 'kv', instance: '.+' })).toBe(
      'a{job=~"kv",i=~".+",x=~"b$"}',
    );
  });
});

test.each([
  ['{{instance}} {{ job }}', { instance: 'a:1', job: 'kv' }, 'a:1 kv'],
  ['p99', {}, 'p99'],
  ['{{nothing}} x', {}, 'x'],
  ['', { __name__: 'up', job: 'kv' }, 'up{job="kv"}'],
  ['', {}, 'value'],
])('legend %j of %j is %j', (format, labels, name) => {
  expect(legendOf(format, labels)).toBe(name);
});
