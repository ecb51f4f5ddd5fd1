import type { FaultKind, NodeFaultSet, Observer } from '../../kit/system.ts';
import type { FaultParameters } from '../scenario/types.ts';

/** Undoes a fault. Called once; resolves when the cause is gone, which is before the system has recovered. */
export type Heal = () => Promise<void>;

/** What a fault needs of a node; `ClusterNode` has it. */
export interface FaultNode {
  readonly index: number;
  /** Base URL of the first port. */
  readonly url: string;
  readonly state: 'stopped' | 'running' | 'paused';
  start(): Promise<void>;
  /** Resolves when the process is gone. */
  kill(): Promise<void>;
  terminate(graceMs: number): Promise<void>;
  /** Resolves when the process stands still. */
  pause(): Promise<void>;
  resume(): void | Promise<void>;
  /**
   * Of a node whose process is not ours: resolves when it answers no more, now that it was ended or paused; rejects when it goes on. Absent where
   * the process is seen to be gone.
   */
  outOfService?(signal: AbortSignal): Promise<void>;
  /** The running process is about to end by itself: resolves with how, or undefined when it has not in time. */
  endsWithin(timeoutMs: number, signal: AbortSignal): Promise<string | undefined>;
  /** The version under test is what starts from now on, not the one before. */
  upgrade(): void;
  /** Does what the manifest's operation of that name does. */
  operate(name: string): Promise<void>;
  /** Forgets the node's data and starts it as a new member in its own place. */
  rejoin(): Promise<void>;
  /** Tells the node which faults to commit from now on, and asks it back. */
  applyFaults(set: NodeFaultSet): Promise<NodeFaultSet>;
}

/** One injection, its target found. */
export interface Strike {
  /** Unique among what is in force at one time, e.g. `cut-2`; letters, digits and dashes. */
  readonly name: string;
  /** With groups: all nodes. With an observer: none. */
  readonly nodes: readonly FaultNode[];
  /** Who is silenced, when the target is no node. */
  readonly observer?: Observer;
  /** Positions of the nodes that stay together, when the target was groups. */
  readonly groups?: readonly (readonly number[])[];
  readonly parameters: FaultParameters;
  /** Seed of the choices that are made while it is in force. */
  readonly seed: number;
  /** Aborted when the run is given up: an injection that still waits for something stops waiting. */
  readonly signal: AbortSignal;
  /** The blow has fallen, and what follows only makes sure of it: from here on the recovery counts. At the latest when `inject` resolves. */
  struck(): void;
}

/** `available` is true, or the reason why this machine or this cluster cannot do it. */
export interface Fault {
  readonly kind: FaultKind;
  available(): true | string;
  /** Resolves when the fault is in force, which it has verified; rejects, with nothing left in force, when it is not. */
  inject(strike: Strike): Promise<Heal>;
}

export type Faults = Readonly<Record<FaultKind, Fault>>;
