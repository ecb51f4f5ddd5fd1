import { expect, test } from '@jest/globals';
import { authorization, parseEndpoint } from './endpoint.ts';

const parse = (text: string, environment: Record<string, string> = {}) =>
  parseEndpoint(text, '--prometheus', 'GAMEDAY_PROMETHEUS', environment);

test('the address is without slashes at its end, without credentials, and shown without its query', () => {
  expect(parse('https://me:p%40ss@host:9090/prefix/?key=1#x')).toEqual({
    url: 'https://host:9090/prefix?key=1',
    shown: 'https://host:9090/prefix',
    credentials: { kind: 'basic', user: 'me', password: 'p@ss' },
  });
  expect(parse('http://127.0.0.1:9090/')).toEqual({
    ...{ url: 'http://127.0.0.1:9090', shown: 'http://127.0.0.1:9090' },
    credentials: null,
  });
});

test('credentials come from the URL, then from the environment: a token before a user', () => {
  const basic = { GAMEDAY_PROMETHEUS_USER: 'u', GAMEDAY_PROMETHEUS_PASSWORD: 'p' };
  expect(authorization(parse('http://h', basic))).toEqual({ authorization: 'Basic dTpw' });
  const both = { ...basic, GAMEDAY_PROMETHEUS_TOKEN: 't' };
  expect(authorization(parse('http://h', both))).toEqual({ authorization: 'Bearer t' });
  expect(authorization(parse('http://a:b@h', both))).toEqual({ authorization: 'Basic YTpi' });
  expect(authorization(parse('http://h'))).toEqual({});
  expect(authorization(parse('http://h', { GAMEDAY_REMOTE_WRITE_TOKEN: 't' }))).toEqual({});
});

test.each(['nonsense', 'ftp://host', 'http://', 'http://user:se%zzcret@host', 'user:secret@host'])(
  '%s is refused, and not shown',
  (text) => {
    const refuse = () => parse(text);
    expect(refuse).toThrow(
      expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('--prometheus') }),
    );
    expect(refuse).not.toThrow(/se.*cret/);
  },
);
