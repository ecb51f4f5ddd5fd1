/**
 * The checkers' stage: the load is over and every fault healed. Once the nodes are ready and at one applied index, their states are
 * compared; then everything is read and what the clients saw is judged. A checker without a result exports nothing, so that the rules on
 * it stay without data and the criteria inconclusive; `problems` says why.
 */

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../kit/errors.ts';
import type { SystemCheckers } from '../../kit/system.ts';
import { checkDurability } from '../checkers/durability.ts';
import type { History } from '../checkers/history.ts';
import { checkLinearizability } from '../checkers/linearizability.ts';
import { readHistory } from '../checkers/read_history.ts';
import { compareStates } from '../checkers/states.ts';
import type { CheckersRecord, NodeState, Operation, StateComparison } from '../checkers/types.ts';
import { within } from '../cluster/within.ts';
import type { CheckerMetrics } from './checker_metrics.ts';
import { type CheckerName, FINAL_READER, RUN_FILES, type RunRecord } from './record.ts';

export interface CheckedNode {
  readonly index: number;
  readonly url: string;
  isReady(): Promise<boolean>;
}

export interface CheckersStageOptions {
  readonly checkers: SystemCheckers;
  readonly nodes: readonly CheckedNode[];
  readonly runDirectory: string;
  readonly runId: string;
  /** History files of the load, relative to the run directory; empty when none was recorded. */
  readonly historyFiles: readonly string[];
  /** Steps of the orchestrator's own clock during the load, in words. */
  readonly clockSteps: readonly string[];
  readonly metrics: CheckerMetrics;
  /** The nodes were not started for the run: entries may be there that its load did not write, and about which nothing is known. */
  readonly ranBefore: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (what: string) => void;
}

/** Nodes that were healed last have to catch up; a recovery takes at most half a minute by any scenario's objective. */
const EQUAL_INDEX_MS_MAX = 30_000;
const POLL_MS = 100;
const READ_MS_MAX = 30_000;
/** One node's state. */
const STATE_MS_MAX = 10_000;
const TIME_LIMIT_MS = 60_000;
/** The final reads, relative to the run directory. */
export const FINAL_FILE = join(RUN_FILES.history, 'final.ndjson');

export type CheckersResult = NonNullable<RunRecord['checkers']>;

/** Rejects only when aborted. */
export async function runCheckers(options: CheckersStageOptions): Promise<CheckersResult> {
  const stage = new CheckersStage(options);
  const states = await stage.states();
  const final = await stage.finalState();
  const history = await stage.history(final);
  const linearizability = await stage.attempt('linearizability', async () => {
    const result = await checkLinearizability(required(history), {
      signal: options.signal,
      timeLimitMs: TIME_LIMIT_MS,
    });
    if (result.linearizable === 'unknown') throw new Error(result.reason ?? 'it could not tell');
    options.metrics.linearizability(result);
    return result;
  });
  const durability = await stage.attempt('durability', async () => {
    const result = checkDurability(required(history), required(final).entries);
    if (result.durable === 'unknown') throw new Error(result.reason ?? 'it could not tell');
    options.metrics.durability(result);
    return result;
  });
  return { history: origin(history), linearizability, durability, states, problems: stage.problems };
}

/** A stage before has failed, and has said why. */
class Unavailable extends Error {}

const STATE = '{ appliedIndex: number, hash: text }';
const ENTRY = '{ key: text, value: text }';

/** A function of the manifest answered with something else than it promises: nodes that all say nothing would otherwise agree. */
class ManifestAnswerError extends Error {
  constructor(name: string, expected: string, answer: unknown) {
    const shown = JSON.stringify(answer)?.slice(0, 80) ?? String(answer);
    super(`\`${name}\` of the manifest answered ${shown}: expected ${expected}`);
    this.name = 'ManifestAnswerError';
  }
}

function isState(it: unknown): boolean {
  const { appliedIndex, hash } = (it ?? {}) as { readonly appliedIndex?: unknown; readonly hash?: unknown };
  return Number.isFinite(appliedIndex) && typeof hash === 'string' && hash !== '';
}

function isEntry(it: unknown): boolean {
  const { key, value } = (it ?? {}) as { readonly key?: unknown; readonly value?: unknown };
  return typeof key === 'string' && typeof value === 'string';
}

function required<T>(value: T | null): T {
  if (value === null) throw new Unavailable();
  return value;
}

function origin(history: History | null): CheckersRecord['history'] {
  if (history === null) return { operations: 0, files: 0, truncatedLines: 0, clockSteps: [] };
  const { length, files, truncatedLines, clockSteps } = history;
  return { operations: length, files, truncatedLines, clockSteps };
}

class CheckersStage {
  readonly #options: CheckersStageOptions;
  readonly problems: Partial<Record<CheckerName, string>> = {};

  constructor(options: CheckersStageOptions) {
    this.#options = options;
  }

  /** The work's result, or null with the reason noted. */
  async attempt<T>(checker: CheckerName, work: () => Promise<T>): Promise<T | null> {
    const { signal, metrics, onProgress } = this.#options;
    onProgress(PROGRESS[checker]);
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Unavailable)) this.problems[checker] ??= messageOf(error);
      metrics.gaveUp(checker);
      return null;
    }
  }

  /** Waits until all nodes have applied as much; different hashes at one index are an answer at once. */
  states(): Promise<StateComparison | null> {
    if (this.#options.checkers.state === undefined) {
      this.problems.states = 'the manifest has no `checkers.state`: whether the nodes diverge is not judged';
      return Promise.resolve(null);
    }
    const begin = performance.now();
    const deadline = begin + EQUAL_INDEX_MS_MAX;
    return this.attempt('states', async () => {
      for (;;) {
        const states = await this.#readStates();
        const comparison = states.length === this.#options.nodes.length ? compareStates(states) : null;
        if (comparison !== null && comparison.result !== 'not comparable') {
          this.#options.metrics.states(comparison, (performance.now() - begin) / 1000);
          return comparison;
        }
        if (performance.now() > deadline) throw new Error(this.#notComparable(states, comparison));
        await delay(POLL_MS, undefined, { signal: this.#options.signal });
      }
    });
  }

  async #readStates(): Promise<NodeState[]> {
    const { nodes, checkers, signal } = this.#options;
    const asked = nodes.map(async ({ index: node, url }) => {
      const state = await within(STATE_MS_MAX, '`checkers.state`', () => checkers.state!(url, signal), signal);
      if (!isState(state)) throw new ManifestAnswerError('checkers.state', STATE, state);
      return { node, index: state.appliedIndex, hash: state.hash };
    });
    const states = await Promise.allSettled(asked);
    for (const state of states)
      if (state.status === 'rejected' && state.reason instanceof ManifestAnswerError) throw state.reason;
    return states.flatMap((state) => (state.status === 'fulfilled' ? [state.value] : []));
  }

  #notComparable(states: readonly NodeState[], comparison: StateComparison | null): string {
    const waited = `after ${EQUAL_INDEX_MS_MAX / 1000} s`;
    if (comparison !== null) return `${comparison.reason} ${waited}`;
    return `only ${states.length} of ${this.#options.nodes.length} nodes say what state they are in ${waited}`;
  }

  /** Everything that is there now, by linearizable reads. */
  async finalState(): Promise<FinalState | null> {
    const { checkers, onProgress, signal, historyFiles } = this.#options;
    if (historyFiles.length === 0) return null;
    onProgress('reading every entry');
    try {
      const node = await this.#readyNode();
      const start = Date.now();
      const entries = new Map<string, string>();
      const limited = AbortSignal.any([signal, AbortSignal.timeout(READ_MS_MAX)]);
      const read = async () => {
        for await (const entry of checkers.readAll(node.url, limited)) {
          if (!isEntry(entry)) throw new ManifestAnswerError('checkers.readAll', ENTRY, entry);
          entries.set(entry.key, entry.value);
        }
      };
      await within(READ_MS_MAX, '`checkers.readAll`', read, signal);
      return { entries, start, end: Date.now() + 1, node: node.index };
    } catch (error) {
      signal.throwIfAborted();
      this.problems.durability = `the final state could not be read: ${messageOf(error)}`;
      return null;
    }
  }

  async #readyNode(): Promise<CheckedNode> {
    for (const node of this.#options.nodes) if (await node.isReady()) return node;
    throw new Error('no node is ready');
  }

  /** What the clients saw, and the final reads; null when it proves nothing, with the reason noted for both checkers that need it. */
  async history(final: FinalState | null): Promise<History | null> {
    const { historyFiles, runDirectory, runId, signal, clockSteps, ranBefore } = this.#options;
    const files = historyFiles.map((file) => join(runDirectory, file));
    try {
      if (files.length === 0) throw new Error('the scenario records no history (`history: false`)');
      const counted = readCounts(join(runDirectory, RUN_FILES.k6Summary));
      const seen = await readHistory(files, signal);
      const missing = incompleteness(seen, counted);
      if (missing !== null) throw new Error(missing);
      const steps = [...clockSteps, ...seen.clockSteps.map(({ detail }) => `a client saw ${detail}`)];
      if (steps.length > 0) throw new Error(`the clock stepped during the load, so no order can be told: ${steps[0]}`);
      if (final === null) return seen;
      const ofLoad = ranBefore ? { ...final, entries: entriesOfLoad(final.entries, seen) } : final;
      writeFinalReads(join(runDirectory, FINAL_FILE), runId, ofLoad, seen.keyNames);
      return await readHistory([...files, join(runDirectory, FINAL_FILE)], signal);
    } catch (error) {
      signal.throwIfAborted();
      this.problems.linearizability = messageOf(error);
      this.problems.durability ??= messageOf(error);
      return null;
    }
  }
}

const PROGRESS: Readonly<Record<CheckerName, string>> = {
  linearizability: 'checking linearizability',
  durability: 'looking for every acknowledged write',
  states: 'comparing the states of the nodes',
};

interface FinalState {
  readonly entries: ReadonlyMap<string, string>;
  /** When it was read, and at which node. */
  readonly start: number;
  readonly end: number;
  readonly node: number;
}

/** Those that the load knew, and those that hold what it wrote: of a create without an answer nobody knows the key. */
function entriesOfLoad(entries: FinalState['entries'], { keyNames, valueNames }: History): FinalState['entries'] {
  const keys = new Set(keyNames);
  const values = new Set(valueNames);
  return new Map([...entries].filter(([key, value]) => keys.has(key) || values.has(value)));
}

/** As operations: a read of each entry that there is, and of each that a client knew and that is gone. The history must explain them. */
function writeFinalReads(file: string, runId: string, final: FinalState, known: readonly string[]): void {
  const { entries, start, end, node } = final;
  const header = { header: { version: 1, segment: 0, runId } };
  const read = { process: FINAL_READER, operation: 'read' as const, start, end, node };
  const there = [...entries].map(([key, value]): Operation => ({ ...read, key, value, outcome: 'ok' }));
  const gone = known.filter((key) => !entries.has(key));
  const absent = gone.map((key): Operation => ({ ...read, key, value: null, outcome: 'absent' }));
  const lines = [header, ...there, ...absent].map((line) => `${JSON.stringify(line)}\n`);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, lines.join(''));
}

const COUNTERS = ['iterations_begun', 'iterations_ended', 'operations_succeeded', 'history_lines'] as const;
type Counts = Readonly<Record<(typeof COUNTERS)[number], number>>;

/** What the script counted, by k6's summary. Throws when it did not. */
function readCounts(summaryFile: string): Counts {
  type Counter = { readonly count?: number } | undefined;
  const { metrics } = JSON.parse(readFileSync(summaryFile, 'utf8')) as { metrics: Record<string, Counter> };
  const count = (name: string): number => {
    const value = metrics[name]?.count;
    if (value === undefined) throw new Error(`the load script counts no ${name}: see loadtests/README.md`);
    return value;
  };
  return Object.fromEntries(COUNTERS.map((name) => [name, count(name)])) as Counts;
}

/** What the load did and the history does not show, in words: from what is missing anything may follow. Null when it is whole. */
function incompleteness({ length, clockSteps, files }: History, counts: Counts): string | null {
  const cutOff = counts.iterations_begun - counts.iterations_ended;
  if (cutOff > 0) return `${cutOff} iterations of the load were cut off: what they did is not in the history`;
  const lines = files + length + clockSteps.length;
  if (lines !== counts.history_lines)
    return `the history has ${lines} lines, and the load wrote ${counts.history_lines}: somebody else changed it, or the disk was full`;
  if (length === 0 || length < counts.operations_succeeded)
    return `${counts.operations_succeeded} operations of the load succeeded, and the history has ${length}: the script does not record all it does`;
  return null;
}
