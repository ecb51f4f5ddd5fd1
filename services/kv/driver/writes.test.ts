import { beforeEach, describe, expect, test } from '@jest/globals';
import type { ServiceError } from '../../../kit/errors.ts';
import type { Proposal } from '../core/raft/types.ts';
import { Writes } from './writes.ts';

let now: number;
let leader: boolean;
let proposed: Proposal[];
let seen: Set<string>;
let acknowledged: number[];
let writes: Writes<string>;

beforeEach(() => {
  now = 1000;
  leader = true;
  proposed = [];
  seen = new Set();
  acknowledged = [];
  writes = new Writes(
    {
      propose: (proposal) => proposed.push(proposal),
      withdraw: (id) => !seen.has(id),
      leaderKnown: () => leader,
    },
    { acknowledged: (index) => acknowledged.push(index), refused: () => {}, timedOut: () => {} },
    '0.1',
    () => now,
  );
});

interface Outcome {
  result?: string;
  error?: ServiceError;
}

function submit(idempotencyKey?: string): Outcome {
  const outcome: Outcome = {};
  const options = idempotencyKey === undefined ? { deadlineMs: 6000 } : { deadlineMs: 6000, idempotencyKey };
  writes
    .submit((requestId) => Buffer.from(requestId), options)
    .then(
      (result) => {
        outcome.result = result;
      },
      (error: ServiceError) => {
        outcome.error = error;
      },
    );
  return outcome;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

async function at(time: number): Promise<void> {
  now = time;
  writes.tick();
  await settled();
}

/** Raft has taken the newest proposal, for the leader of `term`. */
function place(term: number): string {
  const { id } = proposed.at(-1)!;
  seen.add(id);
  writes.placed(id, term);
  return id;
}

describe('a write', () => {
  test('is answered when its entry is applied, and counted at its index', async () => {
    const write = submit();
    place(1);
    writes.applied(7, 1, '0.1-1', 'done');
    await settled();
    expect(write.result).toBe('done');
    expect(acknowledged).toEqual([7]);
    expect(writes.size).toBe(0);
  });

  test('that was refused is proposed again under a new id, once there is a leader', async () => {
    const write = submit();
    leader = false;
    writes.refused(place(1), 'notLeader');
    await at(1100);
    expect(proposed.length).toBe(1);
    leader = true;
    await at(1200);
    expect(proposed.map(({ id }) => id)).toEqual(['0.1-1/1', '0.1-1/2']);
    writes.applied(3, 2, '0.1-1', 'done');
    await settled();
    expect(write.result).toBe('done');
  });

  test('of an earlier term that is not in the log is made again when a later term has begun', async () => {
    const write = submit();
    place(4);
    writes.applied(10, 4, null, null);
    await at(1100);
    expect(proposed.length).toBe(1);
    writes.applied(11, 5, null, null);
    await at(1200);
    expect(proposed.length).toBe(2);
    expect(write).toEqual({});
  });

  test('is not made again when a snapshot may have hidden it', async () => {
    const write = submit();
    place(4);
    writes.restored();
    writes.applied(90, 5, null, null);
    await at(1200);
    expect(proposed.length).toBe(1);
    await at(6100);
    expect(write.error).toMatchObject({ code: 'TIMEOUT', definite: false });
  });

  test('whose fate is unknown is repeated only with an idempotency key', async () => {
    submit();
    place(1);
    await at(3000);
    expect(proposed.length).toBe(1);
    submit('key');
    place(1);
    await at(4500);
    await at(4520);
    expect(proposed.map(({ id }) => id)).toEqual(['0.1-1/1', '0.1-2/1', '0.1-2/2']);
  });
});

describe('at the deadline', () => {
  test('without a leader nothing was written', async () => {
    leader = false;
    const write = submit();
    writes.refused(place(1), 'noLeader');
    await at(6050);
    expect(write.error).toMatchObject({ code: 'NO_QUORUM', definite: true });
  });

  test('what Raft has not seen is taken back', async () => {
    const write = submit();
    await at(6050);
    expect(write.error).toMatchObject({ code: 'NO_QUORUM', definite: true });
  });

  test.each([
    [true, 'TIMEOUT'],
    [false, 'NO_QUORUM'],
  ])('with an attempt under way (leader known: %s) the outcome is unknown: %s', async (known, code) => {
    const write = submit();
    place(1);
    leader = known;
    await at(6050);
    expect(write.error).toMatchObject({ code, definite: false });
  });

  test('a refusal of the last attempt does not make earlier ones certain', async () => {
    const write = submit('key');
    place(1);
    await at(2500);
    await at(2520);
    leader = false;
    writes.refused(place(1), 'notLeader');
    await at(6050);
    expect(write.error).toMatchObject({ code: 'NO_QUORUM', definite: false });
  });
});

test('a node that stops answers everybody', async () => {
  const certain = submit();
  const uncertain = submit();
  place(1);
  writes.abandon('SHUTTING_DOWN', 'this node is shutting down');
  await settled();
  expect(certain.error).toMatchObject({ code: 'SHUTTING_DOWN', definite: true });
  expect(uncertain.error).toMatchObject({ code: 'SHUTTING_DOWN', definite: false });
});
