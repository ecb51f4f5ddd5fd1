import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { satisfies } from 'semver';
import { type Distribution, distributionOf, type ToolName, variableOf } from './catalogue.ts';
import { cachedPath, type Surroundings } from './surroundings.ts';

export type Source = 'environment' | 'path' | 'cache' | 'release' | 'built';

/** One way that was tried in vain, in words for a person. */
export interface Attempt {
  /** `GAMEDAY_K6`, `PATH`, `cache`, `release`, `go build`. */
  readonly way: string;
  readonly reason: string;
}

export interface LocatedTool {
  readonly name: ToolName;
  readonly version: string;
  readonly path: string;
  readonly source: Source;
  readonly inRange: boolean;
}

export interface Location {
  readonly tool?: LocatedTool;
  readonly attempts: readonly Attempt[];
  /** True when the environment names a binary that does not work: an explicit wish is not silently replaced. */
  readonly final: boolean;
}

/** Runs a binary's version command. Resolves with the version, or with the reason why there is none. */
export async function probe(
  distribution: Distribution,
  tool: ToolName,
  path: string,
): Promise<{ version: string } | { reason: string }> {
  const { versionArguments, versionPattern } = distribution.tools[tool] ?? {};
  if (!versionArguments || !versionPattern) throw new RangeError(`${distribution.name} has no ${tool}`);
  try {
    await access(path, constants.X_OK);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return { reason: `${path} ${missing ? 'does not exist' : 'is not executable'}` };
  }
  try {
    const { stdout } = await promisify(execFile)(path, [...versionArguments], { timeout: 15_000 });
    const version = versionPattern.exec(stdout)?.[1];
    if (version) return { version };
    return { reason: `${path} ${versionArguments.join(' ')} printed no version: ${firstLine(stdout) || 'nothing'}` };
  } catch (error) {
    return { reason: `${path} does not run: ${firstLine((error as Error).message)}` };
  }
}

/** Looks for a tool without obtaining it: environment variable, PATH (version in range), cache. */
export async function locate(name: ToolName, surroundings: Surroundings): Promise<Location> {
  const distribution = distributionOf(name);
  const attempts: Attempt[] = [];
  const variable = variableOf(name);
  const named = surroundings.environment[variable];
  if (named) {
    const path = resolve(named);
    const found = await probe(distribution, name, path);
    if ('reason' in found) return { attempts: [{ way: variable, reason: found.reason }], final: true };
    const inRange = satisfies(found.version, distribution.accepts);
    return { tool: { name, version: found.version, path, source: 'environment', inRange }, attempts, final: true };
  }
  attempts.push({ way: variable, reason: 'not set' });

  const onPath = await findOnPath(name, surroundings);
  const installed = onPath ? await probe(distribution, name, onPath) : { reason: `no ${name} on it` };
  if (onPath && 'version' in installed) {
    if (satisfies(installed.version, distribution.accepts)) {
      const tool = { name, version: installed.version, path: onPath, source: 'path', inRange: true } as const;
      return { tool, attempts, final: false };
    }
    const reason = `${onPath} is version ${installed.version}, not in the range ${distribution.accepts}`;
    attempts.push({ way: 'PATH', reason });
  } else if ('reason' in installed) attempts.push({ way: 'PATH', reason: installed.reason });

  const path = cachedPath(distribution, name, surroundings);
  const cached = await probe(distribution, name, path);
  if ('version' in cached) {
    return { tool: { name, version: cached.version, path, source: 'cache', inRange: true }, attempts, final: false };
  }
  attempts.push({ way: 'cache', reason: cached.reason });
  return { attempts, final: false };
}

export async function findOnPath(name: string, surroundings: Surroundings): Promise<string | undefined> {
  for (const directory of (surroundings.environment.PATH ?? '').split(delimiter)) {
    const candidate = join(directory, name);
    if (
      directory &&
      (await access(candidate, constants.X_OK).then(
        () => true,
        () => false,
      ))
    )
      return candidate;
  }
  return undefined;
}

function firstLine(text: string): string {
  return text.trim().split('\n', 1)[0] ?? '';
}
