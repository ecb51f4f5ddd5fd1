import { expect, test } from '@jest/globals';
import { cadenceMs, slowestCadenceMs } from './cadence.ts';
import { foreignSelector, parseMatch } from './foreign.ts';

const ask = (text: string, name: string, ...match: string[]) =>
  foreignSelector({ text, name }, match.flatMap(parseMatch), 'kv');
const ofSystem = false;

test('a matcher is added; one for a label that the rule pins takes its place, and what is found gets the rule’s value', () => {
  expect(ask('up{job="kv", zone!="x"}', 'up', 'cluster="prod"')).toEqual({
    text: '{__name__="up", job="kv", zone!="x", cluster="prod"}',
    labels: {},
    ofSystem,
  });
  expect(ask('up{job="kv", zone="a"}', 'up', '{job=~"kv-.+", cluster="prod"}')).toEqual({
    text: '{__name__="up", zone="a", job=~"kv-.+", cluster="prod"}',
    labels: { job: 'kv' },
    ofSystem,
  });
  // A label that the rule does not pin to one value is restricted further, not renamed.
  expect(ask('up{job=~"kv|db"}', 'up', 'job="kv"')).toEqual({
    text: '{__name__="up", job=~"kv|db", job="kv"}',
    labels: {},
    ofSystem,
  });
  expect(ask('{"up", "a.b"="1\\"2"}', 'up', '"a.b"="3"')).toEqual({
    text: '{__name__="up", "a.b"="3", job=~"kv|"}',
    labels: { 'a.b': '1"2' },
    ofSystem: true,
  });
  expect(ask('{__name__="up"}', 'up', 'job="b"')).toEqual({ text: '{__name__="up", job="b"}', labels: {}, ofSystem });
});

test('where nobody says a job, the system’s own series are meant: others have labels of the same name, too', () => {
  expect(ask('up{node!=""}', 'up', 'a="b"')).toEqual({
    text: '{__name__="up", node!="", a="b", job=~"kv|"}',
    labels: {},
    ofSystem: true,
  });
  expect(ask('k6_operations_total', 'k6_operations_total')).toEqual({
    text: '{__name__="k6_operations_total"}',
    labels: {},
    ofSystem,
  });
});

test.each(['', '{}', 'prod', 'cluster=prod', 'cluster=="prod"', 'a="b"} or up{c="d"', '__name__="up"'])(
  '%j restricts nothing',
  (text) => {
    expect(() => parseMatch(text)).toThrow(expect.objectContaining({ code: 'EXPRESSION_INVALID' }));
  },
);

test('how often there is a sample, as a person would have configured it', () => {
  expect(cadenceMs([0, 15_001, 29_998, 45_003, 105_000])).toBe(15_000);
  expect(cadenceMs([0, 248, 500, 751])).toBe(300);
  expect(cadenceMs([7])).toBeNull();
  // Two samples far apart do not speak for a series that has many.
  expect(
    slowestCadenceMs([
      [0, 90_000],
      [0, 15_000, 30_000, 45_000, 60_000],
    ]),
  ).toBe(15_000);
  expect(slowestCadenceMs([[0, 30_000], [1]])).toBe(30_000);
  expect(slowestCadenceMs([[1], []])).toBeNull();
});
