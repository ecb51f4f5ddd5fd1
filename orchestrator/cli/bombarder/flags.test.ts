import { describe, expect, test } from '@jest/globals';
import { nodeAddress, nodeUrl, nodeUrls, secondsFrom } from './flags.ts';

describe("a node's URL", () => {
  test.each([
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080'],
    ['127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['localhost:8080', 'http://localhost:8080'],
  ])('%s', (text, url) => expect(nodeUrl(text)).toBe(url));

  test.each([
    'https://127.0.0.1:8080',
    'http://127.0.0.1:8080/status',
    'http://127.0.0.1',
    'http://:8080',
    'foo',
    ':',
    '',
  ])('"%s" is none', (text) =>
    expect(() => nodeUrl(text)).toThrow(`"${text}" is no node's URL: expected http://HOST:PORT`),
  );

  test('several, none twice', () => {
    expect(nodeUrls('http://a:1, b:2')).toEqual(['http://a:1', 'http://b:2']);
    expect(() => nodeUrls('http://a:1,a:1')).toThrow('http://a:1 is named twice.');
    expect(() => nodeUrls('http://a:1,')).toThrow('is no node');
  });
});

test('an address: a bare port is of this machine', () => {
  expect(nodeAddress('127.0.0.1:8082')).toBe('127.0.0.1:8082');
  expect(nodeAddress('8082')).toBe('127.0.0.1:8082');
  expect(() => nodeAddress('127.0.0.1:99999')).toThrow('is no node');
});

test('seconds may have a fraction, within bounds', () => {
  expect(secondsFrom(0.2, 10)('0.5')).toBe(0.5);
  for (const text of ['0', '11', '1s', '-1', 'NaN', ''])
    expect(() => secondsFrom(0.2, 10)(text)).toThrow('Expected seconds from 0.2 to 10.');
});
