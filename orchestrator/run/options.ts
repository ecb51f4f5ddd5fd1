/** What a run is given, and what it hands to its stages. */
import type { ObtainedTool, ToolName } from '../../tools/obtain.ts';
import type { ProcessRegistry } from '../cluster/registry.ts';
import type { LoadedScenario } from '../scenario/load.ts';
import type { Verdict } from '../verdict/types.ts';
import type { RunDirectories, RunDirectory } from './directory.ts';
import type { Endpoint } from './endpoint.ts';
import type { RunEvent } from './events.ts';
import type { ExistingSystem } from './existing.ts';
import type { RunRecord } from './record.ts';
import type { Systems } from './systems.ts';

export type Tools = ReadonlyMap<ToolName, ObtainedTool>;

/** What the last two stages are given; they read the run directory. */
export interface StageInput {
  readonly root: string;
  readonly record: RunRecord;
  readonly directory: RunDirectory;
  readonly tools: Tools;
  readonly registry: ProcessRegistry;
  readonly signal: AbortSignal;
  readonly onProgress: (what: string) => void;
}

export interface ConductOptions {
  readonly root: string;
  readonly directories: RunDirectories;
  readonly systems: Systems;
  readonly loaded: LoadedScenario;
  readonly seed: number;
  /** Never delete this run. */
  readonly keep: boolean;
  /** Judge this, instead of starting nodes and load. */
  readonly existing?: ExistingSystem;
  /** Where a copy of every sample is sent as well. */
  readonly remoteWrite?: Endpoint;
  /** Its reason is an `Interruption` when a signal ended the run. */
  readonly signal: AbortSignal;
  readonly emit: (event: RunEvent) => void;
  readonly judge: (input: StageInput) => Promise<Verdict>;
  readonly report: (input: StageInput) => Promise<void>;
}
