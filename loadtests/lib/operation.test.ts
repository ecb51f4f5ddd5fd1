import { describe, expect, test } from '@jest/globals';
import type { Attempt, OperationOptions, Reply } from './operation.ts';
import { attemptOutcome, backoffSeconds, Operations } from './operation.ts';

const OK: Reply = { status: 200, errorCode: 0, seconds: 0.001 };
const UNAVAILABLE: Reply = { status: 503, errorCode: 1503, seconds: 0.001 };
const REFUSED: Reply = { status: 0, errorCode: 1212, seconds: 0.001 };
const TIMEOUT: Reply = { status: 0, errorCode: 1050, seconds: 2 };

/** Time passes only by sleeping and by the seconds of the replies. */
function harness(reply: (attempt: Attempt, time: number) => Reply, change: Partial<OperationOptions> = {}) {
  let time = 0;
  const attempts: Attempt[] = [];
  const outcomes: string[] = [];
  const operations = new Operations({
    nodes: 3,
    deadlineSeconds: 5,
    attemptTimeoutSeconds: 2,
    now: () => time,
    sleep: (seconds) => {
      time += seconds;
    },
    random: { float: () => 0.5, below: () => 0 },
    onAttempt: (node, outcome) => outcomes.push(`${node} ${outcome}`),
    ...change,
  });
  const send = (attempt: Attempt): Reply => {
    attempts.push(attempt);
    const answer = reply(attempt, time);
    time += Math.min(answer.seconds, attempt.timeoutSeconds);
    return answer;
  };
  const pass = (seconds: number): void => {
    time += seconds;
  };
  return { operations, send, attempts, outcomes, pass, time: () => time };
}

describe('attemptOutcome', () => {
  test.each([
    [200, 0, 'ok'],
    [204, 0, 'ok'],
    [404, 1404, 'rejected'],
    [409, 1409, 'rejected'],
    [429, 1429, 'unavailable'],
    [421, 1421, 'unavailable'],
    [500, 1500, 'unavailable'],
    [503, 1503, 'unavailable'],
    [507, 1507, 'unavailable'],
    [0, 1050, 'timeout'],
    [0, 1211, 'refused'],
    [0, 1212, 'refused'],
    [0, 1220, 'broken'],
    [0, 1000, 'broken'],
  ])('status %d with error code %d is %s', (status, errorCode, outcome) => {
    expect(attemptOutcome({ status, errorCode, seconds: 0 })).toBe(outcome);
  });
});

describe('Operations', () => {
  test('asks the preferred node and returns its answer', () => {
    const { operations, send, attempts } = harness(() => OK);
    expect(operations.run(send, 2)).toEqual({
      ok: true,
      reply: OK,
      node: 2,
      seconds: 0.001,
      attempts: 1,
      uncertain: false,
    });
    expect(attempts).toEqual([{ node: 2, timeoutSeconds: 2 }]);
  });

  test('goes on to the next node when one refuses, and avoids that one for a second', () => {
    const { operations, send, outcomes } = harness(({ node }) => (node === 0 ? REFUSED : OK));
    expect(operations.run(send, 0)).toMatchObject({ ok: true, node: 1, uncertain: false });
    expect(operations.run(send, 0)).toMatchObject({ ok: true, node: 1 });
    expect(outcomes).toEqual(['0 refused', '1 ok', '1 ok']);
  });

  test('asks the node again once the second is over', () => {
    const { operations, send, outcomes, pass } = harness(({ node }, time) => (node === 0 && time < 0.5 ? REFUSED : OK));
    operations.run(send, 0);
    // Answered only after a second and a half, by another node.
    operations.run((attempt) => {
      const answer = send(attempt);
      pass(1.5);
      return answer;
    }, 2);
    operations.run(send, 0);
    expect(outcomes).toEqual(['0 refused', '1 ok', '2 ok', '0 ok']);
  });

  test('survives a second of 503 within the deadline', () => {
    const { operations, send, time } = harness((_, now) => (now < 1 ? UNAVAILABLE : OK));
    const result = operations.run(send);
    expect(result).toMatchObject({ ok: true, uncertain: true });
    expect(result.attempts).toBeGreaterThan(3);
    expect(time()).toBeLessThan(1.5);
    // More than one attempt: the time includes the waits between them.
    expect(result.seconds).toBeCloseTo(time(), 6);
  });

  test('gives up in time when nobody can serve', () => {
    const { operations, send, time } = harness(() => UNAVAILABLE);
    expect(operations.run(send)).toMatchObject({ ok: false, reply: UNAVAILABLE });
    expect(time()).toBeGreaterThan(4);
    expect(time()).toBeLessThanOrEqual(5);
  });

  test('no attempt may outlast the deadline', () => {
    const { operations, send, attempts, time } = harness(() => TIMEOUT);
    expect(operations.run(send)).toMatchObject({ ok: false, uncertain: true });
    expect(attempts.map(({ timeoutSeconds }) => Math.round(timeoutSeconds))).toEqual([2, 2, 1]);
    expect(time()).toBeLessThanOrEqual(5 + 1e-9);
  });

  test('an answer after the deadline is a failure', () => {
    const { operations, send } = harness(() => ({ ...OK, seconds: 0.1 }), {
      deadlineSeconds: 0.05,
      attemptTimeoutSeconds: 1,
    });
    const late = operations.run((attempt) => send({ ...attempt, timeoutSeconds: 1 }));
    expect(late).toMatchObject({ ok: false, attempts: 1, uncertain: true });
  });

  test('does not ask again for what is refused for good', () => {
    const { operations, send } = harness(() => ({ status: 404, errorCode: 1404, seconds: 0 }));
    expect(operations.run(send)).toMatchObject({ ok: false, attempts: 1, uncertain: false });
  });

  test('refused connections alone leave no doubt that nothing was executed', () => {
    const { operations, send } = harness(() => REFUSED);
    expect(operations.run(send)).toMatchObject({ ok: false, uncertain: false });
  });
});

test('the wait doubles from 25 ms to 400 ms, with jitter over its upper half', () => {
  const least = [1, 2, 3, 4, 5, 6].map((attempt) => backoffSeconds(attempt, { float: () => 0 }));
  expect(least).toEqual([0.0125, 0.025, 0.05, 0.1, 0.2, 0.2]);
  expect(backoffSeconds(9, { float: () => 1 })).toBe(0.4);
});
