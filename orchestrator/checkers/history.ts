/** A history in memory: columns of numbers, which workers share without a copy. A million operations take about 50 MB. */
import { type ClockStep, OPERATION_KINDS, OPERATION_OUTCOMES, type Operation } from './types.ts';

export const CREATE = 0;
export const UPDATE = 1;
export const DELETE = 2;
export const READ = 3;

export const OK = 0;
export const ABSENT = 1;
export const UNKNOWN = 2;

/** No key, no value. */
export const NONE = -1;

/** One row an operation. Everything a checker needs; what people need to read it is in {@link History}. */
export interface Columns {
  readonly length: number;
  /** {@link CREATE} … {@link READ} */
  readonly kinds: Uint8Array;
  /** {@link OK}, {@link ABSENT}, {@link UNKNOWN} */
  readonly outcomes: Uint8Array;
  /** Number of the key, or {@link NONE}. */
  readonly keys: Int32Array;
  /** Number of the pair of key and value, or {@link NONE}: equal texts under different keys have different numbers. */
  readonly values: Int32Array;
  /** Milliseconds since any fixed moment. */
  readonly starts: Float64Array;
  /** Infinity for what stays open. */
  readonly ends: Float64Array;
  readonly keyCount: number;
  readonly valueCount: number;
}

export interface History extends Columns {
  readonly processes: Int32Array;
  readonly nodes: Int32Array;
  readonly keyNames: readonly string[];
  readonly valueNames: readonly string[];
  readonly files: number;
  readonly truncatedLines: number;
  readonly clockSteps: readonly ClockStep[];
}

/** The row as an operation again. */
export function operationAt(history: History, row: number): Operation {
  const key = history.keys[row]!;
  const value = history.values[row]!;
  const end = history.ends[row]!;
  return {
    process: history.processes[row]!,
    operation: OPERATION_KINDS[history.kinds[row]!]!,
    key: key === NONE ? null : history.keyNames[key]!,
    value: value === NONE ? null : history.valueNames[value]!,
    start: history.starts[row]!,
    end: end === Number.POSITIVE_INFINITY ? null : end,
    outcome: OPERATION_OUTCOMES[history.outcomes[row]!]!,
    node: history.nodes[row]!,
  };
}

/** The history of the given operations, in their order. Throws a RangeError for an operation that makes no sense. */
export function historyOf(operations: Iterable<Operation>): History {
  const builder = new HistoryBuilder();
  for (const operation of operations) builder.add(operation);
  return builder.finish();
}

/** What is wrong with an operation, in words; undefined when nothing is. */
export function problemOf(operation: Operation): string | undefined {
  const { operation: kind, key, value, start, end, outcome } = operation;
  if (!OPERATION_KINDS.includes(kind)) return `operation ${kind}: requires one of ${OPERATION_KINDS.join(', ')}`;
  if (!OPERATION_OUTCOMES.includes(outcome))
    return `outcome ${outcome}: requires one of ${OPERATION_OUTCOMES.join(', ')}`;
  if (!Number.isInteger(operation.process)) return `process ${operation.process}: requires an integer`;
  if (!Number.isInteger(operation.node)) return `node ${operation.node}: requires an integer`;
  if (!Number.isFinite(start)) return `start ${start}: requires milliseconds`;
  if (outcome === 'unknown') {
    if (end !== null) return `end ${end} with outcome unknown: requires null, since it stays open`;
  } else if (end === null || !Number.isFinite(end) || end < start)
    return `start ${start}, end ${end}: requires start ≤ end`;
  if (key === null ? !(kind === 'create' && outcome === 'unknown') : typeof key !== 'string')
    return `key ${key}: requires a text; only a create whose outcome is unknown may have none`;
  if (kind === 'create' && outcome === 'absent') return 'a create cannot find its entry absent';
  const hasValue = kind === 'read' ? outcome === 'ok' : kind !== 'delete' && (outcome !== 'absent' || value !== null);
  if (hasValue ? typeof value !== 'string' : value !== null)
    return `value ${value} of a ${kind} with outcome ${outcome}: requires ${hasValue ? 'a text' : 'null'}`;
  return undefined;
}

const KIND_NUMBERS: Readonly<Record<string, number>> = { create: CREATE, update: UPDATE, delete: DELETE, read: READ };
const OUTCOME_NUMBERS: Readonly<Record<string, number>> = { ok: OK, absent: ABSENT, unknown: UNKNOWN };

/** Takes operations one after the other and numbers their keys and values. */
export class HistoryBuilder {
  #length = 0;
  #kinds = new Uint8Array(1024);
  #outcomes = new Uint8Array(1024);
  #keys = new Int32Array(1024);
  #values = new Int32Array(1024);
  #processes = new Int32Array(1024);
  #nodes = new Int32Array(1024);
  #starts = new Float64Array(1024);
  #ends = new Float64Array(1024);
  readonly #keyNumbers = new Map<string, number>();
  readonly #keyNames: string[] = [];
  readonly #valueNumbers: Map<string, number>[] = [];
  readonly #valueNames: string[] = [];
  /** Rows of creates without a key. */
  readonly #keyless: number[] = [];

  get length(): number {
    return this.#length;
  }

  add(operation: Operation): void {
    const problem = problemOf(operation);
    if (problem !== undefined) throw new RangeError(problem);
    if (this.#length === this.#kinds.length) this.#grow();
    const row = this.#length++;
    const { key, value } = operation;
    this.#kinds[row] = KIND_NUMBERS[operation.operation]!;
    this.#outcomes[row] = OUTCOME_NUMBERS[operation.outcome]!;
    this.#processes[row] = operation.process;
    this.#nodes[row] = operation.node;
    this.#starts[row] = operation.start;
    this.#ends[row] = operation.end ?? Number.POSITIVE_INFINITY;
    if (key === null) {
      this.#keys[row] = NONE;
      this.#values[row] = this.#valueNames.push(value ?? '') - 1;
      this.#keyless.push(row);
      return;
    }
    const keyNumber = this.#keyNumber(key);
    this.#keys[row] = keyNumber;
    // What an update that found nothing would have written was never there.
    this.#values[row] = value === null || operation.outcome === 'absent' ? NONE : this.#valueNumber(keyNumber, value);
  }

  /** @param origin what only a reader of files knows */
  finish(origin: { files: number; truncatedLines: number; clockSteps: readonly ClockStep[] } = NO_FILES): History {
    this.#placeKeyless();
    const length = this.#length;
    return {
      length,
      kinds: shared(Uint8Array, this.#kinds, length),
      outcomes: shared(Uint8Array, this.#outcomes, length),
      keys: shared(Int32Array, this.#keys, length),
      values: shared(Int32Array, this.#values, length),
      starts: shared(Float64Array, this.#starts, length),
      ends: shared(Float64Array, this.#ends, length),
      processes: this.#processes.slice(0, length),
      nodes: this.#nodes.slice(0, length),
      keyCount: this.#keyNames.length,
      valueCount: this.#valueNames.length,
      keyNames: this.#keyNames,
      valueNames: this.#valueNames,
      ...origin,
    };
  }

  #keyNumber(key: string): number {
    const known = this.#keyNumbers.get(key);
    if (known !== undefined) return known;
    const number = this.#keyNames.push(key) - 1;
    this.#keyNumbers.set(key, number);
    this.#valueNumbers.push(new Map());
    return number;
  }

  #valueNumber(key: number, value: string): number {
    const numbers = this.#valueNumbers[key]!;
    const known = numbers.get(value);
    if (known !== undefined) return known;
    const number = this.#valueNames.push(value) - 1;
    numbers.set(value, number);
    return number;
  }

  /**
   * A create whose id nobody saw belongs to the entry under which somebody saw its value. It stays without a key when nobody
   * did, or when the value alone does not tell which entry that is.
   */
  #placeKeyless(): void {
    if (this.#keyless.length === 0) return;
    const wanted = new Map(this.#keyless.map((row) => [this.#valueNames[this.#values[row]!]!, [] as number[]]));
    const creates = new Set<number>();
    for (let row = 0; row < this.#length; row++)
      if (this.#kinds[row] === CREATE && this.#keys[row] !== NONE) creates.add(this.#keys[row]!);
    for (const [key, numbers] of this.#valueNumbers.entries()) {
      if (creates.has(key)) continue;
      for (const value of numbers.keys()) wanted.get(value)?.push(key);
    }
    for (const row of this.#keyless) {
      const value = this.#valueNames[this.#values[row]!]!;
      const [key, ...others] = wanted.get(value) ?? [];
      if (key === undefined || others.length > 0) continue;
      this.#keys[row] = key;
      this.#values[row] = this.#valueNumber(key, value);
    }
  }

  #grow(): void {
    const size = this.#kinds.length * 2;
    this.#kinds = grown(new Uint8Array(size), this.#kinds);
    this.#outcomes = grown(new Uint8Array(size), this.#outcomes);
    this.#keys = grown(new Int32Array(size), this.#keys);
    this.#values = grown(new Int32Array(size), this.#values);
    this.#processes = grown(new Int32Array(size), this.#processes);
    this.#nodes = grown(new Int32Array(size), this.#nodes);
    this.#starts = grown(new Float64Array(size), this.#starts);
    this.#ends = grown(new Float64Array(size), this.#ends);
  }
}

const NO_FILES = { files: 0, truncatedLines: 0, clockSteps: [] } as const;

function grown<A extends Uint8Array | Int32Array | Float64Array>(larger: A, column: A): A {
  larger.set(column);
  return larger;
}

function shared<A extends Uint8Array | Int32Array | Float64Array>(
  kind: { new (buffer: SharedArrayBuffer): A; readonly BYTES_PER_ELEMENT: number },
  column: A,
  length: number,
): A {
  const copy = new kind(new SharedArrayBuffer(length * kind.BYTES_PER_ELEMENT));
  copy.set(column.subarray(0, length));
  return copy;
}
