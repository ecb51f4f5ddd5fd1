/** Keeps `run.json` up to date: every change is on disk before the run goes on. */
import { cpus, totalmem } from 'node:os';
import type { LoadedScenario } from '../scenario/load.ts';
import { type RunDirectory, writeRecord } from './directory.ts';
import { type PhaseName, plannedInjections, type RunRecord } from './record.ts';

export class Journal {
  readonly directory: RunDirectory;
  #record: RunRecord;

  constructor(directory: RunDirectory, record: RunRecord) {
    this.directory = directory;
    this.#record = record;
    writeRecord(directory.path, record);
  }

  get record(): RunRecord {
    return this.#record;
  }

  update(change: Partial<RunRecord>): void {
    this.#record = { ...this.#record, ...change };
    writeRecord(this.directory.path, this.#record);
  }

  /** Ends the current phase and begins the next at one moment. `done` only ends. */
  enter(name: PhaseName, now = Date.now()): void {
    const phases = this.#record.phases.map((phase) => (phase.to === undefined ? { ...phase, to: now } : phase));
    this.update({ phases: name === 'done' ? phases : [...phases, { name, from: now }] });
  }
}

export interface NewRecordOptions {
  readonly directory: RunDirectory;
  readonly loaded: LoadedScenario;
  readonly manifestFile: string | undefined;
  readonly seed: number;
  readonly gamedayVersion: string;
  readonly startedAt: Date;
}

export function newRecord({
  directory,
  loaded,
  manifestFile,
  seed,
  gamedayVersion,
  startedAt,
}: NewRecordOptions): RunRecord {
  const { scenario } = loaded;
  return {
    version: 1,
    id: directory.id,
    scenario,
    scenarioPath: loaded.file,
    system: scenario.system,
    home: loaded.home,
    files: loaded.manifest.files,
    ...(manifestFile === undefined ? {} : { manifestFile }),
    seed,
    gamedayVersion,
    tools: {},
    runtime: {
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      cpus: cpus().length,
      memoryBytes: totalmem(),
    },
    startedAt: startedAt.getTime(),
    phases: [{ name: 'starting', from: startedAt.getTime() }],
    nodes: [],
    faults: scenario.faults.flatMap(plannedInjections),
    load: null,
    inconclusive: [],
  };
}
