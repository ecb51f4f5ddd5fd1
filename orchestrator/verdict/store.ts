/** The time series a run has stored: checked, and cloned, so that judging leaves them as they are. */
import { constants } from 'node:fs';
import { copyFile, link, mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { VerdictError } from './errors.ts';

/** Names of TSDB blocks are ULIDs. */
const BLOCK = /^[0-9A-HJKMNP-TV-Z]{26}$/;

/** A lock and a query log belong to the process that had the store open; a shared lock would let no two judges work at once. */
const OF_THE_PROCESS = new Set(['lock', 'queries.active']);

/** Throws TSDB_MISSING unless the directory holds a write-ahead log with something in it, or a block. */
export async function checkStore(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => null);
  if (names === null) {
    throw new VerdictError(
      'TSDB_MISSING',
      `there are no stored series at ${directory}: the run was ended before Prometheus started, or its directory was cleaned; run the scenario again`,
    );
  }
  const segments = names.includes('wal') ? await readdir(join(directory, 'wal')) : [];
  const sizes = await Promise.all(segments.map(async (segment) => (await stat(join(directory, 'wal', segment))).size));
  if (names.some((name) => BLOCK.test(name)) || sizes.some((size) => size > 0)) return;
  throw new VerdictError(
    'TSDB_MISSING',
    `${directory} holds no samples (no block, and an empty write-ahead log): run the scenario again`,
  );
}

/**
 * A clone to judge on, beside the original. Opening a TSDB writes to it (log segments, repairs, compaction), and the judge adds series, so a second
 * judgement would otherwise see what the first one wrote. The large files of a block never change and are linked.
 */
export async function cloneStore(directory: string): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(dirname(directory), '.judge-'));
  try {
    await cloneTree(directory, join(path, 'tsdb'), false);
  } catch (cause) {
    await rm(path, { recursive: true, force: true });
    throw new VerdictError('TSDB_CORRUPT', `cannot copy the stored series of ${directory}: ${String(cause)}`, {
      cause,
    });
  }
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

async function cloneTree(from: string, to: string, inBlock: boolean): Promise<void> {
  await mkdir(to, { recursive: true });
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (OF_THE_PROCESS.has(entry.name)) continue;
    if (entry.isDirectory()) await cloneTree(source, target, inBlock || BLOCK.test(entry.name));
    else if (inBlock && isImmutable(source)) await link(source, target).catch(() => copy(source, target));
    else await copy(source, target);
  }
}

function isImmutable(file: string): boolean {
  return /[/\\](?:index|chunks[/\\]\d+)$/.test(file);
}

/** Shares the blocks of the file where the file system can. */
async function copy(source: string, target: string): Promise<void> {
  await copyFile(source, target, constants.COPYFILE_FICLONE);
}

const DAMAGE = /attempting repair|corrupt|skipping|failed to (?:open|read|load)|loading on-disk chunks failed/i;

/**
 * Prometheus repairs a damaged store by dropping what it cannot read, and goes on. A verdict on what is left would be worth nothing, so its
 * log is searched for it. Throws TSDB_CORRUPT.
 */
export async function checkUndamaged(logFile: string, directory: string): Promise<void> {
  const log = await readFile(logFile, 'utf8');
  const line = log.split('\n').find((candidate) => /level=(?:WARN|ERROR)/.test(candidate) && DAMAGE.test(candidate));
  if (line === undefined) return;
  throw new VerdictError(
    'TSDB_CORRUPT',
    `the stored series of ${directory} are damaged, part of the run is lost: ${line.replace(/^.*?msg=/, '')} (run the scenario again)`,
  );
}
