/** Judges the history of a run again, from its directory: does it still give the result that was recorded, and exported as metrics? */
import { existsSync, globSync } from 'node:fs';
import { join } from 'node:path';
import { checkDurability } from '../checkers/durability.ts';
import { operationAt } from '../checkers/history.ts';
import { checkLinearizability } from '../checkers/linearizability.ts';
import { readHistory } from '../checkers/read_history.ts';
import { FINAL_FILE } from './checkers.ts';
import { RUN_FILES, type RunRecord } from './record.ts';

export interface StoredHistoryResult {
  /** One sentence. */
  readonly text: string;
  /** Whether it is what the record says. */
  readonly same: boolean;
}

/** Empty where the run has no result to compare with. Rejects with what is wrong with a file that cannot be read. */
export async function recheckHistory(
  runDirectory: string,
  record: RunRecord,
  signal: AbortSignal,
): Promise<StoredHistoryResult[]> {
  const { linearizability, durability } = record.checkers ?? { linearizability: null, durability: null };
  if (linearizability === null) return [];
  const files = globSync(join(RUN_FILES.history, '*.ndjson'), { cwd: runDirectory }).map((file) =>
    join(runDirectory, file),
  );
  if (files.length === 0) return [{ text: 'the history of this run is gone: it cannot be judged again', same: false }];
  const history = await readHistory(files, signal);
  const again = await checkLinearizability(history, { signal });
  const results = [
    compared('entries that are not linearizable', again.violatingKeys, linearizability.violatingKeys, again.operations),
  ];
  const final = join(runDirectory, FINAL_FILE);
  if (durability === null || !existsSync(final)) return results;
  const { lostWrites, writes } = checkDurability(history, await finalState(final, signal));
  return [...results, compared('acknowledged writes lost', lostWrites, durability.lostWrites, writes)];
}

async function finalState(file: string, signal: AbortSignal): Promise<ReadonlyMap<string, string>> {
  const history = await readHistory(file, signal);
  const reads = Array.from({ length: history.length }, (_, row) => operationAt(history, row));
  return new Map(reads.flatMap(({ key, value }) => (key === null || value === null ? [] : [[key, value] as const])));
}

function compared(what: string, now: number, then: number, of: number): StoredHistoryResult {
  const same = now === then;
  const text = `the stored history gives ${now} ${what}, of ${of} operations checked`;
  return {
    text: same ? `${text}, as recorded` : `${text}: the record says ${then}, so the files or the checker changed`,
    same,
  };
}
