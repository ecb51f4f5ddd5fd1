/** What clients saw, and what the checkers say about it. Times are epoch milliseconds unless a name says otherwise. */

export const OPERATION_KINDS = ['create', 'update', 'delete', 'read'] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];

/** `absent`: the entry was not there, which is an observation. `unknown`: nobody knows whether it happened, or ever will. */
export const OPERATION_OUTCOMES = ['ok', 'absent', 'unknown'] as const;
export type OperationOutcome = (typeof OPERATION_OUTCOMES)[number];

/**
 * One client operation on one register, as a line of `history/*.ndjson`. A definite failure is no operation. Intervals are
 * closed: an operation that ends at `t` and one that starts at `t` are concurrent.
 */
export interface Operation {
  /** Number of the sequential client that did it. */
  readonly process: number;
  readonly operation: OperationKind;
  /** Id of the entry; null for a create whose answer, and so whose id, nobody saw. */
  readonly key: string | null;
  /** What a create or an update wrote, or what a read saw; null with `delete`, `absent` and an unknown read. */
  readonly value: string | null;
  readonly start: number;
  /** Null exactly when the outcome is unknown: such an operation stays open for ever. */
  readonly end: number | null;
  readonly outcome: OperationOutcome;
  /** Index of the node that answered, or was asked last. */
  readonly node: number;
}

/** A wall clock that jumped while operations were timed with it: no order can be told from such a history. */
export interface ClockStep {
  readonly file: string;
  readonly line: number;
  /** What was recorded of it, as JSON. */
  readonly detail: string;
}

/** Operations that cannot all have happened one after the other. */
export interface Violation {
  readonly key: string;
  /** One sentence that names the operations and why no order explains them. */
  readonly reason: string;
  /** The smallest set found: with any one of them left out the rest could be explained. By start. */
  readonly window: readonly Operation[];
  /** Index in `window` of the operation that cannot be explained, given the others. */
  readonly impossible: number;
  /** What the register held before the window: nothing, or whatever earlier operations, which are left out, had put there. */
  readonly before: 'absent' | 'anything';
}

export interface LinearizabilityResult {
  /** `unknown`: the time or the memory ran out, or the history says too little. Never a guess. */
  readonly linearizable: boolean | 'unknown';
  /** Why nothing could be concluded; null when something was. */
  readonly reason: string | null;
  readonly operations: number;
  readonly keys: number;
  /** Of checking, without reading the file. */
  readonly seconds: number;
  /** Keys that are not linearizable; `violations` describes the first of them. */
  readonly violatingKeys: number;
  readonly violations: readonly Violation[];
}

export interface LostWrite {
  readonly operation: Operation;
  /** What is there instead: a value, or null for no entry. */
  readonly found: string | null;
  /** One sentence: what was acknowledged when, and what is there. */
  readonly reason: string;
}

export interface DurabilityResult {
  readonly durable: boolean | 'unknown';
  readonly reason: string | null;
  /** Acknowledged creates, updates and deletes. */
  readonly writes: number;
  readonly keys: number;
  readonly seconds: number;
  /** Writes that are lost; `lost` describes the first of them. */
  readonly lostWrites: number;
  readonly lost: readonly LostWrite[];
}

export interface NodeState {
  /** Index of the node. */
  readonly node: number;
  /** Index of the last applied entry of the log. */
  readonly index: number;
  readonly hash: string;
}

export interface StateComparison {
  readonly result: 'equal' | 'different' | 'not comparable';
  /** Null when the nodes are not at one index. */
  readonly index: number | null;
  /** Number of different hashes at that index; null when they are not comparable. */
  readonly distinct: number | null;
  /** Nodes that differ from the most common hash; all of them when no hash is the most common. */
  readonly odd: readonly number[];
  readonly states: readonly NodeState[];
  /** One sentence. */
  readonly reason: string;
}

/** `record.checkers` in run.json: null for a checker that did not run. */
export interface CheckersRecord {
  readonly history: {
    readonly operations: number;
    readonly files: number;
    /** Last lines that were cut off when their writer was killed. */
    readonly truncatedLines: number;
    readonly clockSteps: readonly ClockStep[];
  };
  readonly linearizability: LinearizabilityResult | null;
  readonly durability: DurabilityResult | null;
  readonly states: StateComparison | null;
}
