import { expect, test } from '@jest/globals';
import type { LoadedScenario } from '../scenario/load.ts';
import { parseMatch } from '../verdict/foreign.ts';
import { prometheusOptions, refuseFaultsOnly } from './prometheus_flags.ts';

const NOW = Date.UTC(2026, 0, 31, 12);
const MINUTE = 60_000;
const options = (flags: Parameters<typeof prometheusOptions>[0]) => prometheusOptions(flags, {}, NOW);

test('the window is the last ten minutes, the last so many, or the one that was given', () => {
  const window = (flags: object) => options({ prometheus: 'http://h', ...flags }).existing?.window;
  expect(window({})).toEqual({ from: NOW - 10 * MINUTE, to: NOW });
  expect(window({ since: MINUTE })).toEqual({ from: NOW - MINUTE, to: NOW });
  expect(window({ since: MINUTE, to: NOW - MINUTE })).toEqual({ from: NOW - 2 * MINUTE, to: NOW - MINUTE });
  expect(window({ from: NOW - 3 * MINUTE, to: NOW - MINUTE })).toEqual({ from: NOW - 3 * MINUTE, to: NOW - MINUTE });
});

test.each([
  [{ prometheus: 'http://h', since: 1, from: 1 }, /--since and --from both/],
  [{ prometheus: 'http://h', to: NOW + 1 }, /in the future/],
  [{ prometheus: 'http://h', from: NOW }, /is empty/],
  [{ prometheus: 'http://h/p?key=s3cret' }, /^--prometheus http:\/\/h\/p\?…: .*leave it out$/],
  [{ prometheus: 'http://h', remoteWrite: 'http://h' }, /leave one of them out/],
  [{ prometheus: 'http://h', targets: ['http://n'] }, /no node is asked/],
  [{ since: MINUTE }, /--since .* needs --prometheus/],
  [{ match: parseMatch('a="b"') }, /--match .* needs --prometheus/],
])('%j is refused', (flags, message) => {
  expect(() => options(flags)).toThrow(
    expect.objectContaining({ code: 'USAGE', message: expect.stringMatching(message) }),
  );
});

test('a copy goes where --remote-write says; without flags a run is as always', () => {
  const environment = { GAMEDAY_REMOTE_WRITE_TOKEN: 't', GAMEDAY_PROMETHEUS_TOKEN: 'other' };
  expect(prometheusOptions({ remoteWrite: 'http://h/api/v1/write' }, environment, NOW)).toEqual({
    remoteWrite: {
      ...{ url: 'http://h/api/v1/write', shown: 'http://h/api/v1/write' },
      credentials: { kind: 'bearer', token: 't' },
    },
  });
  expect(options({})).toEqual({});
});

test('a scenario that asks about faults only has nothing to judge', () => {
  const loaded = (criteria: object[]) =>
    ({ file: 'a.yaml', scenario: { criteria, faults: [{ name: 'f' }] } }) as unknown as LoadedScenario;
  const during = { alert: 'A', expect: 'firing', during: 'f' };
  expect(() => refuseFaultsOnly(loaded([during]))).toThrow(/a\.yaml: .*A firing during f.*nothing is left to judge/);
  expect(() => refuseFaultsOnly(loaded([during, { alert: 'B', expect: 'silent' }]))).not.toThrow();
});
