/** Run directories: `.gameday/runs/<id>/`, one for each run, kept until there are too many. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { identify, isRunning, type ProcessIdentity } from '../cluster/identity.ts';
import { nearest } from '../scenario/problems.ts';
import { RUN_FILES, type RunRecord } from './record.ts';

/** A directory that is no run of Gameday, or not a whole one. */
export class RunDirectoryError extends Error {
  readonly code: 'RUN_UNKNOWN' | 'RUN_FOREIGN' | 'RUN_IN_USE' | 'RUN_DISK_FULL';
  constructor(code: RunDirectoryError['code'], message: string) {
    super(message);
    this.name = 'RunDirectoryError';
    this.code = code;
  }
}

const KEEP_FILE = 'keep';
/** Older runs are deleted unless they were started with `--keep`. One run of a minute is about 5 MB. */
const RUNS_MAX = 30;

/** `20251121T093045Z-kv-leader-kill-1f0c`. */
export function runId(scenarioId: string, startedAt: Date, random: string): string {
  const compact = startedAt.toISOString().replace(/[-:]|\.\d+/g, '');
  return `${compact}-${scenarioId}-${random}`;
}

export interface RunDirectory {
  readonly id: string;
  /** Absolute. */
  readonly path: string;
}

export class RunDirectories {
  /** `.gameday` of the project, or what `GAMEDAY_DIRECTORY` says; absolute. */
  readonly base: string;
  readonly #runs: string;

  constructor(base: string) {
    this.base = base;
    this.#runs = join(base, 'runs');
  }

  /** A new directory that no other run has. */
  create(scenarioId: string, startedAt: Date, keep: boolean): RunDirectory {
    return whereThereIsRoom(this.#runs, () => this.#create(scenarioId, startedAt, keep));
  }

  #create(scenarioId: string, startedAt: Date, keep: boolean): RunDirectory {
    mkdirSync(this.#runs, { recursive: true });
    for (;;) {
      const id = runId(scenarioId, startedAt, randomBytes(2).toString('hex'));
      const path = join(this.#runs, id);
      // Not recursive, so it fails when the directory exists: whoever makes it owns it.
      if (!tryMakeDirectory(path)) continue;
      for (const part of [RUN_FILES.logs, RUN_FILES.nodes, RUN_FILES.prometheus, RUN_FILES.history])
        mkdirSync(join(path, part));
      if (keep) writeFileSync(join(path, KEEP_FILE), '');
      return { id, path };
    }
  }

  /** Ids of all runs, the newest first. */
  list(): string[] {
    if (!existsSync(this.#runs)) return [];
    return readdirSync(this.#runs)
      .filter((name) => /^\d{8}T\d{6}Z-/.test(name))
      .sort()
      .reverse();
  }

  /** The directory that a word on the command line means: an id, the unique start of one, a path, or the last run when absent. */
  find(word: string | undefined, workingDirectory: string): RunDirectory {
    const ids = this.list();
    if (word === undefined) {
      const last = ids[0];
      if (last === undefined)
        throw new RunDirectoryError('RUN_UNKNOWN', 'there are no runs yet: `npm start` makes one');
      return { id: last, path: join(this.#runs, last) };
    }
    const matches = ids.includes(word) ? [word] : ids.filter((id) => id.startsWith(word));
    if (matches.length === 1) return { id: matches[0]!, path: join(this.#runs, matches[0]!) };
    if (matches.length > 1) {
      throw new RunDirectoryError(
        'RUN_UNKNOWN',
        `"${word}" is the start of ${matches.length} runs: ${matches.slice(0, 5).join(', ')}`,
      );
    }
    const path = resolve(workingDirectory, word);
    if (existsSync(path) && statSync(path).isDirectory()) return { id: basename(path), path };
    const near = nearest(word, ids);
    const hint = near ? ` — did you mean "${near}"?` : '';
    throw new RunDirectoryError('RUN_UNKNOWN', `there is no run "${word}"${hint}; \`ls ${this.#runs}\` shows them`);
  }

  /** Deletes the oldest runs beyond the limit, never one that is kept or in use. */
  prune(): void {
    for (const id of this.list().slice(RUNS_MAX)) {
      const path = join(this.#runs, id);
      if (existsSync(join(path, KEEP_FILE)) || isLocked(path)) continue;
      rmSync(path, { recursive: true, force: true });
    }
  }
}

/** Reads `run.json`; throws `RunDirectoryError` with what is wrong and what to do. */
export function readRecord(directory: RunDirectory): RunRecord {
  const file = join(directory.path, RUN_FILES.record);
  if (!existsSync(file)) {
    throw new RunDirectoryError('RUN_FOREIGN', `${directory.path} is no run of Gameday: it has no ${RUN_FILES.record}`);
  }
  let record: RunRecord | null;
  try {
    record = JSON.parse(readFileSync(file, 'utf8')) as RunRecord | null;
  } catch (error) {
    throw new RunDirectoryError('RUN_FOREIGN', `${file} is not JSON: ${(error as Error).message}`);
  }
  if (record?.version !== 1) {
    const version = JSON.stringify(record?.version) ?? 'none';
    throw new RunDirectoryError(
      'RUN_FOREIGN',
      `${file} has version ${version}, this Gameday reads version 1: use the one that made it`,
    );
  }
  const missing = missingParts(record);
  if (missing.length > 0) {
    throw new RunDirectoryError('RUN_FOREIGN', `${file} is not the record of a run: it lacks ${missing.join(', ')}`);
  }
  return record;
}

/** What every stage reads without looking whether it is there. */
function missingParts(record: Partial<RunRecord>): string[] {
  const { id, scenario, startedAt, load, phases, nodes, faults, inconclusive } = record;
  const parts: readonly [string, boolean][] = [
    ['id', typeof id === 'string'],
    ['scenario', isObject(scenario?.load) && isObject(scenario?.objectives)],
    ['scenario.criteria', Array.isArray(scenario?.criteria)],
    ['scenario.faults', Array.isArray(scenario?.faults)],
    ['startedAt', typeof startedAt === 'number'],
    ['load', load !== undefined],
    ['phases', Array.isArray(phases)],
    ['nodes', Array.isArray(nodes)],
    ['faults', Array.isArray(faults)],
    ['inconclusive', Array.isArray(inconclusive)],
  ];
  return parts.filter(([, there]) => !there).map(([name]) => name);
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

export function writeRecord(path: string, record: RunRecord): void {
  const file = join(path, RUN_FILES.record);
  // By rename: whoever reads it, at any moment, sees one whole record.
  whereThereIsRoom(path, () => {
    writeFileSync(`${file}.tmp`, `${JSON.stringify(record, null, 2)}\n`);
    renameSync(`${file}.tmp`, file);
  });
}

/** The system says that a disk is full, and not which. */
function whereThereIsRoom<T>(path: string, write: () => T): T {
  try {
    return write();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw error;
    throw new RunDirectoryError(
      'RUN_DISK_FULL',
      `no space left for the run at ${path} (${code}): make room there, or set GAMEDAY_DIRECTORY to a directory on another disk`,
    );
  }
}

/** Whether a process works in the directory. */
export function isLocked(path: string): boolean {
  return lockHolder(path) !== undefined;
}

/** Takes the directory for this process until the returned function is called. A holder that is gone holds nothing. */
export function lockDirectory(path: string): () => void {
  const file = join(path, RUN_FILES.lock);
  const self = JSON.stringify(identify(process.pid));
  for (;;) {
    try {
      writeFileSync(file, self, { flag: 'wx' });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = lockHolder(path);
    if (holder !== undefined) {
      throw new RunDirectoryError(
        'RUN_IN_USE',
        `${path} is in use by process ${holder.pid}: wait until it ends, or end it`,
      );
    }
    rmSync(file, { force: true });
  }
}

function lockHolder(path: string): ProcessIdentity | undefined {
  try {
    const holder = JSON.parse(readFileSync(join(path, RUN_FILES.lock), 'utf8')) as ProcessIdentity;
    return isRunning(holder) ? holder : undefined;
  } catch {
    return undefined;
  }
}

function tryMakeDirectory(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
