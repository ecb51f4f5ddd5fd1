import { describe, expect, test } from '@jest/globals';
import { Prng } from '../../kit/prng.ts';
import type { Entry } from '../../services/kv/core/raft/types.ts';
import { StorageCorruptError } from '../../services/kv/storage/errors.ts';
import { type LogRecord, StoredLog } from './stored-log.ts';

const entry = (index: number, term = 1): Entry => ({
  index,
  term,
  kind: 'command',
  data: new Uint8Array([index, term, 7]),
});
const record = (...entries: readonly Entry[]): LogRecord => [
  { hardState: { term: entries.at(-1)!.term, vote: 2, commit: 0 }, entries },
];
const membership = { voters: [1], votersOutgoing: [], learners: [], retired: [], addresses: {} };

function stored(records: number, segmentRecords = 4): StoredLog {
  const log = new StoredLog(segmentRecords);
  for (let i = 1; i <= records; i++) log.append(record(entry(i)));
  return log;
}

const indices = (log: StoredLog) => log.recover(0).restored?.entries.map(({ index, term }) => `${index}@${term}`);

describe('the stored log of a simulated node', () => {
  test('comes back through the product’s encoding, over several segments, with what replaced its end', () => {
    const log = stored(9);
    log.append(record(entry(8, 3), entry(9, 3)));
    const { restored, tornBytes } = log.recover(0);
    expect(restored?.hardState).toEqual({ term: 3, vote: 2, commit: 0 });
    expect(restored?.entries.map(({ index, term }) => `${index}@${term}`).slice(-3)).toEqual(['7@1', '8@3', '9@3']);
    expect(restored?.entries[4]?.data).toEqual(Buffer.from([5, 1, 7]));
    expect(tornBytes).toBe(0);
    expect(log.durable.holds(9, 3)).toBe(true);
    expect(log.durable.holds(8, 1)).toBe(false);
  });

  test.each([
    [0, ['1@1', '2@1'], false],
    [0.5, ['1@1', '2@1'], true],
    [1, ['1@1', '2@1', '3@1'], false],
  ])(
    'of a write of which %d reached the disk, a whole one is kept and a torn one is cut off',
    (share, kept, isTorn) => {
      const log = stored(2);
      log.tear(record(entry(3)), share);
      expect(log.recover(0).tornBytes > 0).toBe(isTorn);
      expect(indices(log)).toEqual(kept);
      // What was torn does not come back.
      log.append(record(entry(kept.length + 1, 2)));
      expect(indices(log)?.at(-1)).toBe(`${kept.length + 1}@2`);
    },
  );

  test('a flipped bit is refused or harmless, wherever it is: never is an entry lost or changed', () => {
    let refused = 0;
    for (let seed = 0; seed < 400; seed++) {
      const log = stored(1 + (seed % 60), 1 + (seed % 7));
      const expected = indices(log);
      log.flipBit(new Prng(seed));
      try {
        expect(indices(log)).toEqual(expected);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error)) throw error;
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(100);
  });

  test('a snapshot whose place in the log is not known empties the log; what is removed before it is not missed', () => {
    const log = stored(9, 2);
    log.store({ meta: { index: 6, term: 1, membership, size: 1 }, data: new Uint8Array(1) });
    log.compact(6);
    expect(indices(log)).toEqual(['7@1', '8@1', '9@1']);
    log.receive({
      snapshot: { index: 12, term: 4, membership, size: 1 },
      offset: 0,
      data: new Uint8Array(1),
      done: true,
    });
    expect(log.recover(0).restored).toMatchObject({ snapshot: { index: 12 }, entries: [] });
    expect(log.durable.holds(12, 4)).toBe(true);
  });

  test('an empty log is a new node, a log whose beginning is gone is not', () => {
    expect(new StoredLog(4).recover(0).restored).toBeNull();
    const log = stored(9, 2);
    log.compact(4);
    expect(() => log.recover(0)).toThrow(StorageCorruptError);
    log.wipe();
    expect(log.recover(0).restored).toBeNull();
  });
});
