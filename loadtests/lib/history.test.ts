import { describe, expect, test } from '@jest/globals';
import type { Observation } from './history.ts';
import { History, readObservation, writeObservation } from './history.ts';
import type { OperationResult, Reply } from './operation.ts';

const result = (status: number, change: Partial<OperationResult<Reply>> = {}): OperationResult<Reply> => ({
  ok: status >= 200 && status < 300,
  reply: { status, errorCode: 0, seconds: 0.001 },
  ...{ node: 1, seconds: 0.001, attempts: 1, uncertain: false },
  ...change,
});
const outcome = (observation: Observation | null) => observation?.outcome ?? 'no operation';

describe('a write', () => {
  test.each<['create' | 'update' | 'delete', number, boolean, string]>([
    ['create', 201, false, 'ok'],
    ['update', 200, false, 'ok'],
    ['delete', 204, false, 'ok'],
    // Acknowledged, although too late for the client, or by a retry.
    ['update', 200, true, 'ok'],
    ['update', 404, false, 'absent'],
    ['delete', 404, false, 'absent'],
    // The attempt before, without an answer, may have been the one that deleted it.
    ['delete', 404, true, 'ok'],
    // It may have been written, and deleted by somebody since.
    ['update', 404, true, 'unknown'],
    // Retries ended without a definite answer.
    ['create', 0, true, 'unknown'],
    ['update', 503, true, 'unknown'],
    ['delete', 0, true, 'unknown'],
    // Refused by all: nothing has happened.
    ['create', 0, false, 'no operation'],
    ['update', 409, false, 'no operation'],
    // This attempt was refused, an earlier one had no answer.
    ['update', 409, true, 'unknown'],
  ])('%s answered with %d, earlier attempts uncertain: %p, is %s', (kind, status, uncertain, expected) => {
    const key = kind === 'create' && status !== 201 ? null : 'id';
    expect(outcome(writeObservation(kind, key, kind === 'delete' ? null : 'v', result(status, { uncertain })))).toBe(
      expected,
    );
  });

  test('a create that is acknowledged without an id was executed under a key that nobody knows', () => {
    expect(writeObservation('create', null, 'v', result(201))).toEqual({
      operation: 'create',
      key: null,
      value: 'v',
      outcome: 'unknown',
    });
  });
});

test.each([
  [200, 'v', 'ok'],
  [404, null, 'absent'],
  [503, null, 'no operation'],
  [0, null, 'no operation'],
])('a read answered with %d and %p is %s', (status, value, expected) => {
  expect(outcome(readObservation('id', value, result(status)))).toBe(expected);
});

/** A history on a clock that the test sets. */
function recorded() {
  const lines: unknown[] = [];
  const time = { wall: 1000, monotonic: 50 };
  const clocks = { wall: () => Math.floor(time.wall), monotonic: () => time.monotonic };
  const history = new History({ process: 7, clocks, write: (line) => lines.push(JSON.parse(line)) });
  const operate = (milliseconds: number, observation: Observation | null, stepMs = 0) =>
    history.run(
      () => {
        time.wall += milliseconds + stepMs;
        time.monotonic += milliseconds;
        return result(200);
      },
      () => observation,
    );
  const pass = (milliseconds: number) => {
    time.wall += milliseconds;
    time.monotonic += milliseconds;
  };
  return { history, lines, operate, pass, time };
}
const READ: Observation = { operation: 'read', key: 'id', value: 'v', outcome: 'ok' };

describe('the lines', () => {
  test('begin with a header, and hold one operation each, whose end is one later than it looked', () => {
    const { history, lines, operate } = recorded();
    history.begin('r1', 2);
    operate(12.9, READ);
    operate(5, { ...READ, operation: 'update', outcome: 'unknown' });
    expect(lines).toEqual([
      { header: { version: 1, segment: 2, runId: 'r1' } },
      { process: 7, operation: 'read', key: 'id', value: 'v', start: 1000, end: 1013, outcome: 'ok', node: 1 },
      { process: 7, operation: 'update', key: 'id', value: 'v', start: 1012, end: null, outcome: 'unknown', node: 1 },
    ]);
  });

  test('leave out what is no operation', () => {
    const { lines, operate } = recorded();
    operate(5, null);
    expect(lines).toEqual([]);
  });
});

describe('the clock', () => {
  test.each([
    [7, 6],
    [-7, -6],
  ])('a step of %d ms is recorded', (stepMs, seen) => {
    const { lines, operate } = recorded();
    operate(10, READ, stepMs);
    expect(lines[0]).toEqual({ clockStep: { process: 7, at: 1010 + stepMs, milliseconds: seen } });
  });

  test('a step between two operations is recorded', () => {
    const { lines, operate, time } = recorded();
    operate(1, READ);
    time.wall -= 1000;
    operate(1, READ);
    expect(lines).toContainEqual({ clockStep: expect.objectContaining({ milliseconds: -999 }) });
  });

  test('runs evenly enough: cut off to milliseconds, or slewed by a kernel over an idle minute', () => {
    const { lines, operate, pass, time } = recorded();
    for (let index = 0; index < 50; index += 1) {
      operate(0.7, READ);
      pass(3.3);
    }
    pass(60_000);
    time.wall += 30;
    operate(1, READ);
    expect(lines.filter((line) => 'clockStep' in (line as object))).toEqual([]);
  });
});
