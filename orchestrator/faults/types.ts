import type { FaultKind } from '../../kit/system.ts';

/** Undoes a fault. Called once; resolves when the cause is gone, which is before the system has recovered. */
export type Heal = () => Promise<void>;

/** What a fault needs of a node; `ClusterNode` has it. */
export interface FaultNode {
  readonly index: number;
  start(): Promise<void>;
  kill(): Promise<void>;
  terminate(graceMs: number): Promise<void>;
  pause(): void;
  resume(): void;
}

/** `available` is true, or the reason why this machine cannot do it. */
export interface Fault {
  readonly name: FaultKind;
  available(): true | string;
  inject(node: FaultNode): Promise<Heal>;
}
