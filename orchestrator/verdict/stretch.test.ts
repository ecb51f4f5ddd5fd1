import { expect, test } from '@jest/globals';
import { parseRules } from './rules.ts';
import { Stretch, stretchableSelectors } from './stretch.ts';

const END = 1_000_000;

test('time grows into the past, the end of the window stays, and back again it is the same', () => {
  const stretch = new Stretch(60, END);
  expect(stretch.time(END)).toBe(END);
  expect(stretch.time(END - 1000)).toBe(END - 60_000);
  expect(stretch.span({ from: END - 2000, to: END, name: 'outage' })).toEqual({
    from: END - 120_000,
    to: END,
    name: 'outage',
  });
  expect(stretch.undone(stretch.time(END - 1234))).toBe(END - 1234);
});

test('samples keep their values', () => {
  const series = [
    {
      labels: { __name__: 'x_total' },
      points: [
        [END - 2000, 1],
        [END - 1000, 5],
      ] as const,
      histograms: [],
    },
  ];
  expect(new Stretch(10, END).series(series)).toEqual([
    {
      labels: { __name__: 'x_total' },
      samples: [
        { timeMs: END - 20_000, value: 1 },
        { timeMs: END - 10_000, value: 5 },
      ],
    },
  ]);
});

const RULES = `
groups:
  - name: g
    rules:
      - { record: 'ratio:1h', expr: 'rate(errors_total{a="b"}[1h]) / rate(all_total[1h])' }
      - { alert: Burn, expr: 'ratio:1h > 0.1' }
      - { alert: Moment, expr: 'ratio:1h > objective' }
`;
const rules = parseRules([{ name: 'alerts/x.rules.yml', text: RULES }], 1000);

test('a rule needs the raw series behind its recording rules', () => {
  expect(stretchableSelectors(rules.alerts.get('Burn')!, rules)).toEqual(['errors_total{a="b"}', 'all_total']);
});

test('a raw series that is read at a moment cannot be stretched: between two samples nobody knows whether it was there', () => {
  expect(() => stretchableSelectors(rules.alerts.get('Moment')!, rules)).toThrow(
    'Moment reads `objective` at a moment: with `stretch` raw series can be read by ranges only',
  );
});
