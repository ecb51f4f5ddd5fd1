/** The release before the working tree: what a rolling upgrade starts from. */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { extract } from 'tar';
import type { SystemManifest } from '../../kit/system.ts';

export interface PreviousVersion {
  /** As in its package.json. */
  readonly version: string;
  /** Tag or commit. */
  readonly ref: string;
  /** Its tree, complete with dependencies. */
  readonly root: string;
}

/** There is no earlier version to be had. */
export class PreviousVersionError extends Error {
  readonly code = 'PREVIOUS_VERSION';
  constructor(message: string) {
    super(message);
    this.name = 'PreviousVersionError';
  }
}

interface Package {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const run = promisify(execFile);

/**
 * The newest tag `v…` before HEAD whose version is not the working tree's; without one, as in a clone without tags, the last commit
 * before the version was raised. Its tree is kept under `base`/versions and made only once.
 * @throws PreviousVersionError
 */
export async function obtainPreviousVersion(root: string, base: string): Promise<PreviousVersion> {
  const present = readPackage(readFileSync(join(root, 'package.json'), 'utf8'));
  const ref = await previousRef(root, present.version);
  const commit = await git(root, 'rev-parse', `${ref}^{commit}`);
  const tree = join(base, 'versions', commit.slice(0, 12));
  if (!existsSync(tree)) await extractTree(root, commit, tree, present);
  return { version: readPackage(readFileSync(join(tree, 'package.json'), 'utf8')).version, ref, root: tree };
}

/** The manifest that a version has of a system: it knows how to start its own nodes. */
export async function manifestOf(previous: PreviousVersion, system: string): Promise<SystemManifest> {
  const index = pathToFileURL(join(previous.root, 'services/index.ts')).href;
  const { systems } = (await import(index)) as typeof import('../../services/index.ts');
  const load = systems[system];
  if (load === undefined)
    throw new PreviousVersionError(`version ${previous.version} (${previous.ref}) has no system "${system}" yet`);
  return (await load()).default;
}

async function previousRef(root: string, present: string): Promise<string> {
  const isEarlier = async (ref: string) => {
    const text = await git(root, 'show', `${ref}:package.json`).catch(() => undefined);
    return text !== undefined && readPackage(text).version !== present;
  };
  for (const tag of lines(await git(root, 'tag', '--merged', 'HEAD', '--list', 'v*', '--sort=-v:refname')))
    if (await isEarlier(tag)) return tag;
  // The last commit of the earlier version is the one before the commit that raised the number.
  let candidate = 'HEAD';
  for (const commit of lines(await git(root, 'log', '--first-parent', '--format=%H', '--', 'package.json'))) {
    if (await isEarlier(candidate)) return candidate;
    candidate = `${commit}^`;
  }
  if (await isEarlier(candidate)) return candidate;
  throw new PreviousVersionError(
    `the history of ${root} has no version other than ${present}: a shallow clone? \`git fetch --unshallow --tags\``,
  );
}

async function extractTree(root: string, commit: string, tree: string, present: Package): Promise<void> {
  const unfinished = `${tree}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  try {
    const archive = spawn('git', ['-C', root, 'archive', '--format=tar', commit], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await pipeline(archive.stdout, extract({ cwd: unfinished }));
    await provideDependencies(root, unfinished, present);
    renameSync(unfinished, tree);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Somebody else was faster: theirs is as good.
    if (!existsSync(tree)) throw error;
  }
}

/** The working tree's own, where they are the same; else what its lock file says. */
async function provideDependencies(root: string, tree: string, present: Package): Promise<void> {
  const { dependencies = {} } = readPackage(readFileSync(join(tree, 'package.json'), 'utf8'));
  const same = Object.entries(dependencies).every(([name, version]) => present.dependencies?.[name] === version);
  if (same) symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'), 'dir');
  else await run('npm', ['ci', '--omit=dev', '--no-audit', '--no-fund'], { cwd: tree });
}

async function git(root: string, ...words: string[]): Promise<string> {
  try {
    return (await run('git', ['-C', root, ...words])).stdout.trim();
  } catch (error) {
    throw new PreviousVersionError(`git ${words[0]} failed in ${root}: ${(error as Error).message.trim()}`);
  }
}

function readPackage(text: string): Package {
  return JSON.parse(text) as Package;
}

function lines(text: string): string[] {
  return text === '' ? [] : text.split('\n');
}
