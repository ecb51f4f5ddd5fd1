/** Whether every write that a client was told of is still there, or was replaced by one that may have come after it. */
import { ABSENT, CREATE, DELETE, type History, NONE, OK, operationAt, READ } from './history.ts';
import type { DurabilityResult, LostWrite } from './types.ts';

/** Lost writes that are described; the others are counted. */
const DESCRIBED_MAX = 20;

/**
 * Compares the history with what all entries hold after it: value by key, read linearizably once all is quiet.
 *
 * An acknowledged create or update is there if its entry holds its value, or if that which the entry holds (a value, or nothing)
 * may have come after it: some write of that value, or some delete, of whatever outcome, did not end before this one began. An
 * acknowledged delete is there if the entry is gone, or if a create and a write of what it holds may have come after it. That is weaker than
 * linearizability with one more read at the end, and says which write is missing. Of lost writes that follow each other only the
 * last is named: the store would have replaced the others anyway.
 */
export function checkDurability(history: History, finalState: ReadonlyMap<string, string>): DurabilityResult {
  const begin = performance.now();
  const [step] = history.clockSteps;
  const reason =
    step === undefined ? null : `the clock stepped while operations were timed with it (${step.file}:${step.line})`;
  const { writes, lost } = reason === null ? findLost(history, finalState) : { writes: 0, lost: [] };
  return {
    durable: reason === null ? lost.length === 0 : 'unknown',
    reason,
    writes,
    keys: history.keyCount,
    seconds: (performance.now() - begin) / 1000,
    lostWrites: lost.length,
    lost: lost.slice(0, DESCRIBED_MAX).map((row) => describe(history, row, finalState)),
  };
}

function findLost(history: History, finalState: ReadonlyMap<string, string>): { writes: number; lost: number[] } {
  const { length, kinds, outcomes, keys, starts, ends, keyCount } = history;
  const replacedUntil = latestReplacements(history, finalState);
  const lost: number[] = [];
  /** By key: latest start of a lost write. */
  const lastLost = new Float64Array(keyCount).fill(Number.NEGATIVE_INFINITY);
  let writes = 0;
  for (let row = 0; row < length; row++) {
    if (outcomes[row] !== OK || kinds[row] === READ) continue;
    writes++;
    const key = keys[row]!;
    const until = kinds[row] === DELETE ? replacedUntil.deletes[key]! : replacedUntil.writes[key]!;
    if (starts[row]! <= until) continue;
    lost.push(row);
    if (starts[row]! > lastLost[key]!) lastLost[key] = starts[row]!;
  }
  return { writes, lost: lost.filter((row) => ends[row]! >= lastLost[keys[row]!]!) };
}

/** By key: what began later than this cannot have been replaced by what the entry holds. */
function latestReplacements(
  history: History,
  finalState: ReadonlyMap<string, string>,
): { writes: Float64Array; deletes: Float64Array } {
  const { length, kinds, outcomes, keys, values, ends, keyCount, keyNames, valueNames } = history;
  const found = keyNames.map((name) => finalState.get(name));
  const writes = new Float64Array(keyCount).fill(Number.NEGATIVE_INFINITY);
  const deletes = writes.slice();
  const creates = writes.slice();
  for (let row = 0; row < length; row++) {
    const key = keys[row]!;
    const kind = kinds[row]!;
    if (key === NONE || kind === READ || outcomes[row] === ABSENT) continue;
    const isSource = kind === DELETE ? found[key] === undefined : valueNames[values[row]!] === found[key];
    if (isSource && ends[row]! > writes[key]!) writes[key] = ends[row]!;
    if (kind === CREATE && ends[row]! > creates[key]!) creates[key] = ends[row]!;
  }
  // What is there again after a delete was created again, and then written.
  for (let key = 0; key < keyCount; key++)
    deletes[key] = found[key] === undefined ? Number.POSITIVE_INFINITY : Math.min(writes[key]!, creates[key]!);
  return { writes, deletes };
}

function describe(history: History, row: number, finalState: ReadonlyMap<string, string>): LostWrite {
  const operation = operationAt(history, row);
  const found = finalState.get(operation.key ?? '') ?? null;
  const wrote = operation.value === null ? '' : ` of ${JSON.stringify(operation.value)}`;
  const holds = found === null ? 'is gone, and no delete can have come later' : `holds ${JSON.stringify(found)}`;
  return {
    operation,
    found,
    reason: `the ${operation.operation}${wrote} by process ${operation.process} was acknowledged by node ${operation.node}, and entry ${operation.key} ${holds}`,
  };
}
