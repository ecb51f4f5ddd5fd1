import { describe, expect, test } from '@jest/globals';
import { isDefinite, statusOf } from './answers.ts';

describe('what an answer says about the fate of a write', () => {
  test.each([
    [429, 'etcdserver: too many requests', true],
    // The write that fills the quota is executed, and answered so all the same.
    [429, 'etcdserver: mvcc: database space exceeded', false],
    [503, 'etcdserver: no leader', true],
    [503, 'etcdserver: request timed out, possibly due to previous leader failure', false],
    [503, 'etcdserver: request timed out', false],
    [503, 'etcdserver: server stopped', false],
    [504, 'context deadline exceeded', false],
    [500, 'raft proposal dropped', true],
  ])('%d %s: definite is %p', (status, message, definite) => {
    expect(isDefinite(status, JSON.stringify({ code: 14, message, details: [] }))).toBe(definite);
  });

  test('what is no answer, and what is a success, is no refusal', () => {
    expect(isDefinite(0, null)).toBe(false);
    expect(isDefinite(200, '{"message":"etcdserver: no leader"}')).toBe(false);
  });

  test('a request that was given up is no final answer', () => {
    expect([499, 200, 503, 400].map(statusOf)).toEqual([503, 200, 503, 400]);
  });
});
