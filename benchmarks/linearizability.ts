/**
 * Our linearizability checker beside Porcupine, on the same histories: equal answers on many small ones, and the time that a
 * million operations take. `node benchmarks/linearizability.ts`
 */
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Prng } from '../kit/prng.ts';
import { type History, historyOf } from '../orchestrator/checkers/history.ts';
import { checkLinearizability, checkLinearizabilityAtOnce } from '../orchestrator/checkers/linearizability.ts';
import { mutate, simulate, type Workload } from '../orchestrator/checkers/testing/simulated_register.ts';
import type { Operation } from '../orchestrator/checkers/types.ts';
import { type BenchContext, beside, type Metric, median } from './bench.ts';
import { buildPorcupine, PORCUPINE_VERSION, Porcupine } from './porcupine.ts';

export interface Equality {
  readonly histories: number;
  /** How many are not linearizable, as Porcupine says. */
  readonly wrong: number;
  /** Seeds of the histories on which the two differ. */
  readonly different: readonly number[];
}

/** What of a benchmark's context is needed. */
export type Watcher = Pick<BenchContext, 'onProgress' | 'signal'>;

const PEER = `Porcupine ${PORCUPINE_VERSION}`;

/** A million operations on a thousand keys by fifty clients. */
const LARGE: Workload = {
  processes: 50,
  operations: 1_000_000,
  keys: 1_000,
  reads: 0.5,
  deletes: 0,
  creates: 0,
  unknown: 0,
  repeated: 0,
  durationMax: 20,
  pauseMax: 2,
};

/** Registers, whose values tell the writes apart; and entries that are deleted and created again with values used before. */
export const LARGE_WORKLOADS = {
  registers: LARGE,
  entries: { ...LARGE, deletes: 0.05, creates: 0.1, repeated: 0.05 },
} as const satisfies Record<string, Workload>;

const ROUNDS = 7;

/** All figures; null where there is no Go to build the peer with. */
export async function compareWithPorcupine(watcher: Watcher, rounds = ROUNDS): Promise<Metric[] | null> {
  const binary = await buildPorcupine();
  if (binary === null) return null;
  const registers = await timeBoth(binary, LARGE_WORKLOADS.registers, rounds, watcher);
  const entries = await timeBoth(binary, LARGE_WORKLOADS.entries, rounds, watcher);
  return [
    beside('linearizability_seconds', registers.ours, 'seconds', PEER, registers.peer),
    beside('linearizability_with_deletes_seconds', entries.ours, 'seconds', PEER, entries.peer),
  ];
}

interface Times {
  readonly ours: number;
  readonly peer: number;
}

/** Medians, in seconds, of checking one history in turn: ours, theirs, ours, theirs … Ours includes the start of threads. */
export async function timeBoth(
  binary: string,
  workload: Workload,
  rounds: number,
  { onProgress, signal }: Watcher,
): Promise<Times> {
  onProgress(`a history of ${workload.operations.toLocaleString('en')} operations …`);
  const operations = simulate(new Prng(1), workload);
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'history.ndjson');
  await writeHistories(file, [operations]);
  const history = historyOf(operations);
  // So that neither side is timed while this process cleans up a million objects.
  operations.length = 0;
  await using porcupine = await Porcupine.start(binary, file);
  const ours: number[] = [];
  const peer: number[] = [];
  for (let round = 0; round < rounds; round++) {
    signal.throwIfAborted();
    ours.push(await timeOurs(history));
    const answer = await porcupine.check();
    if (!answer.results.every(Boolean))
      throw new Error(`${PEER} refuses a history that is linearizable by construction`);
    peer.push(answer.seconds);
    onProgress(
      `round ${round + 1}/${rounds}: ours ${ours.at(-1)!.toFixed(3)} s, ${PEER} ${answer.seconds.toFixed(3)} s`,
    );
  }
  return { ours: median(ours), peer: median(peer) };
}

async function timeOurs(history: History): Promise<number> {
  const begin = performance.now();
  const { linearizable, reason } = await checkLinearizability(history);
  const seconds = (performance.now() - begin) / 1000;
  if (linearizable !== true)
    throw new Error(`a history that is linearizable by construction is ${linearizable}: ${reason}`);
  return seconds;
}

/** Answers on `count` small histories: about half of them are not linearizable. */
export async function compareAnswers(binary: string, count: number): Promise<Equality> {
  const histories = Array.from({ length: count }, (_, seed) => smallHistory(seed));
  await using directory = await temporaryDirectory();
  const file = join(directory.path, 'histories.ndjson');
  await writeHistories(file, histories);
  await using porcupine = await Porcupine.start(binary, file);
  const { results } = await porcupine.check();
  if (results.length !== count) throw new Error(`${count} histories, and ${results.length} answers of ${PEER}`);
  const different = histories.flatMap((operations, seed) =>
    checkLinearizabilityAtOnce(historyOf(operations)).linearizable === results[seed] ? [] : [seed],
  );
  return { histories: count, wrong: results.filter((result) => !result).length, different };
}

/** Two keys, a few clients, every kind of operation and outcome; in most something was changed that need not fit. */
export function smallHistory(seed: number): Operation[] {
  const prng = new Prng(seed);
  const isRepeated = prng.float() < 0.5;
  let operations = simulate(prng, {
    processes: prng.integer(2, 6),
    operations: prng.integer(4, 25),
    keys: prng.integer(1, 3),
    reads: 0.45,
    deletes: prng.pick([0, 0.1, 0.2]),
    creates: isRepeated ? 0.15 : 0,
    unknown: prng.pick([0, 0.1, 0.25]),
    repeated: isRepeated ? 0.3 : 0,
    durationMax: prng.pick([3, 10, 30]),
    pauseMax: prng.pick([0, 3, 8]),
  });
  for (let changes = prng.integer(0, 5); changes > 0; changes--) operations = mutate(prng, operations);
  return operations;
}

/** In the format of `history/*.ndjson`, with a header before each history. */
async function writeHistories(file: string, histories: readonly (readonly Operation[])[]): Promise<void> {
  const lines = function* () {
    for (const [segment, operations] of histories.entries()) {
      yield `${JSON.stringify({ header: { version: 1, segment, runId: 'benchmark' } })}\n`;
      for (let from = 0; from < operations.length; from += 1000)
        yield `${operations
          .slice(from, from + 1000)
          .map((operation) => JSON.stringify(operation))
          .join('\n')}\n`;
    }
  };
  await pipeline(lines, createWriteStream(file));
}

async function temporaryDirectory(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'gameday-benchmark-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

const EQUALITY_HISTORIES = 10_000;

async function main(): Promise<void> {
  const say = (line: string) => console.error(line);
  const binary = await buildPorcupine();
  if (binary === null) return say(`skipped: ${PEER} is built with Go, and Go is not on the PATH (https://go.dev/dl)`);
  const { histories, wrong, different } = await compareAnswers(binary, EQUALITY_HISTORIES);
  say(
    `${histories} histories, ${wrong} not linearizable, ${different.length} answers differ${different.length > 0 ? `: seeds ${different.slice(0, 20).join(', ')}` : ''}`,
  );
  const metrics = await compareWithPorcupine({ onProgress: say, signal: new AbortController().signal });
  console.log(JSON.stringify({ bench: 'linearizability', metrics }, null, 2));
  if (different.length > 0) process.exitCode = 1;
}

if (import.meta.main) await main();
