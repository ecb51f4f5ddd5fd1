import { join } from 'node:path';
import { goBuild } from './build.ts';
import { type CacheLock, lockCache } from './cache.ts';
import { catalogue, type Distribution, distributionOf, type ToolName, toolNames, variableOf } from './catalogue.ts';
import { type Attempt, type LocatedTool, type Location, locate, probe, type Source } from './locate.ts';
import { fetchRelease } from './release.ts';
import { cacheDirectory, cachedPath, type Surroundings, thisMachine } from './surroundings.ts';

export type { ToolName } from './catalogue.ts';
export { type SurveyRow, survey } from './survey.ts';

export interface ObtainedTool {
  readonly name: ToolName;
  readonly version: string;
  readonly path: string;
  readonly source: Source;
}

/** What is being done for one distribution, to be shown to a person. */
export interface ToolProgress {
  /** `k6`, `prometheus + promtool`. */
  readonly label: string;
  readonly step: 'waiting' | 'downloading' | 'building' | 'ready' | 'failed';
  /** One phrase: the file and its size, the packages compiled, where it was found. */
  readonly detail: string;
  /** Only while downloading. `totalBytes` when the server tells. */
  readonly bytes?: number;
  readonly totalBytes?: number;
}

export interface ObtainOptions {
  readonly onProgress?: (line: ToolProgress) => void;
  readonly signal?: AbortSignal;
  readonly surroundings?: Surroundings;
}

export interface ToolFailure {
  readonly tools: readonly ToolName[];
  readonly attempts: readonly Attempt[];
  readonly remedy: string;
}

/** Thrown when a tool cannot be had. The message lists every attempt with its reason, and the remedy. */
export class ToolUnavailableError extends Error {
  override name = 'ToolUnavailableError';
  readonly code = 'TOOL_UNAVAILABLE';
  readonly failures: readonly ToolFailure[];

  constructor(failures: readonly ToolFailure[]) {
    super(failures.map(describe).join('\n'));
    this.failures = failures;
  }
}

/**
 * Makes the named tools available. Each is looked for in the environment (`GAMEDAY_K6` …), on the PATH and in the cache; what
 * is missing is then taken from the official release, or else built from its pinned module, all distributions at once.
 * Throws `ToolUnavailableError`, or the signal's reason when aborted; the cache then holds no partial file.
 */
export async function obtain(
  names: readonly ToolName[],
  options: ObtainOptions = {},
): Promise<Map<ToolName, ObtainedTool>> {
  const obtainer = new Obtainer(
    options.surroundings ?? thisMachine(),
    options.signal ?? new AbortController().signal,
    options.onProgress ?? (() => {}),
  );
  const wanted = catalogue
    .map((distribution) => ({ distribution, tools: names.filter((name) => distributionOf(name) === distribution) }))
    .filter(({ tools }) => tools.length > 0);
  const results = await Promise.allSettled(
    wanted.map(({ distribution, tools }) => obtainer.obtain(distribution, tools)),
  );
  options.signal?.throwIfAborted();
  const failures: ToolFailure[] = [];
  const tools = new Map<ToolName, ObtainedTool>();
  for (const result of results) {
    if (result.status === 'rejected') throw result.reason;
    if ('remedy' in result.value) failures.push(result.value);
    else for (const tool of result.value) tools.set(tool.name, tool);
  }
  if (failures.length > 0) throw new ToolUnavailableError(failures);
  return tools;
}

type Outcome = readonly ObtainedTool[] | ToolFailure;

class Obtainer {
  readonly #surroundings: Surroundings;
  readonly #signal: AbortSignal;
  readonly #onProgress: (line: ToolProgress) => void;

  constructor(surroundings: Surroundings, signal: AbortSignal, onProgress: (line: ToolProgress) => void) {
    this.#surroundings = surroundings;
    this.#signal = signal;
    this.#onProgress = onProgress;
  }

  async obtain(distribution: Distribution, names: readonly ToolName[]): Promise<Outcome> {
    const label = names.join(' + ');
    const locations = await Promise.all(names.map((name) => locate(name, this.#surroundings)));
    const found = locations.flatMap(({ tool }) => (tool ? [withoutRange(tool)] : []));
    const missing = names.filter((_, index) => !locations[index]?.tool);
    const attempts = locations.filter(({ tool }) => !tool).flatMap((location) => location.attempts);
    const outcome = this.#isFinal(locations)
      ? fail(distribution, missing, attempts)
      : missing.length > 0
        ? await this.#fill(distribution, missing, attempts)
        : [];
    if ('remedy' in outcome) {
      this.#onProgress({ label, step: 'failed', detail: outcome.attempts.at(-1)?.reason ?? '' });
      return outcome;
    }
    const tools = [...found, ...outcome];
    const detail = tools.map(({ name, version, source }) => `${name} ${version} (${source})`).join(', ');
    this.#onProgress({ label, step: 'ready', detail });
    return tools;
  }

  /** An environment variable names a binary that does not work: asked for, so nothing else will do. */
  #isFinal(locations: readonly Location[]): boolean {
    return locations.some(({ tool, final }) => final && !tool);
  }

  /** Puts the whole distribution into the cache, by release or by build. */
  async #fill(distribution: Distribution, names: readonly ToolName[], attempts: readonly Attempt[]): Promise<Outcome> {
    const label = names.join(' + ');
    const tried = [...attempts];
    try {
      const detail = 'another run is obtaining it';
      await using lock = await lockCache(distribution, this.#surroundings, this.#signal, () =>
        this.#onProgress({ label, step: 'waiting', detail }),
      );
      const meanwhile = await this.#fromCache(distribution, names);
      if (meanwhile) return meanwhile;
      for (const way of [this.#release, this.#build]) {
        const reason = await way.call(this, distribution, label, lock).then(
          () => this.#verify(distribution, lock.workDirectory),
          (error: Error) => error.message,
        );
        this.#signal.throwIfAborted();
        const source = way === this.#release ? 'release' : 'built';
        if (reason === undefined) {
          await lock.place();
          return (await this.#fromCache(distribution, names, source)) ?? fail(distribution, names, tried);
        }
        tried.push({ way: source === 'built' ? 'go build' : 'release', reason });
        await lock.clear();
      }
    } catch (error) {
      this.#signal.throwIfAborted();
      const directory = cacheDirectory(this.#surroundings);
      tried.push({ way: 'cache', reason: `${UNWRITABLE} ${directory}: ${(error as Error).message}` });
    }
    return fail(distribution, names, tried);
  }

  async #release(distribution: Distribution, label: string, lock: CacheLock): Promise<void> {
    await fetchRelease(distribution, lock.workDirectory, {
      surroundings: this.#surroundings,
      signal: this.#signal,
      onBytes: (file, bytes, totalBytes) =>
        this.#onProgress({ label, step: 'downloading', detail: file, bytes, ...(totalBytes ? { totalBytes } : {}) }),
    });
  }

  async #build(distribution: Distribution, label: string, lock: CacheLock): Promise<void> {
    const started = Date.now();
    const typical = `of about ${distribution.build.seconds} s`;
    const show = (step: string) => {
      const seconds = Math.round((Date.now() - started) / 1000);
      this.#onProgress({ label, step: 'building', detail: `${step}, ${seconds} s ${typical}` });
    };
    show('no release could be had, go build');
    await goBuild(distribution, lock.workDirectory, {
      surroundings: this.#surroundings,
      signal: this.#signal,
      onStep: show,
    });
  }

  /** The reason why what was obtained is not the version it should be, or undefined. */
  async #verify(distribution: Distribution, directory: string): Promise<string | undefined> {
    for (const tool of toolNames(distribution)) {
      const result = await probe(distribution, tool, join(directory, tool));
      if ('reason' in result) return result.reason;
      if (result.version !== distribution.version) {
        return `${tool} calls itself ${result.version}, expected ${distribution.version}`;
      }
    }
    return undefined;
  }

  async #fromCache(
    distribution: Distribution,
    names: readonly ToolName[],
    source: Source = 'cache',
  ): Promise<ObtainedTool[] | undefined> {
    const tools: ObtainedTool[] = [];
    for (const name of names) {
      const path = cachedPath(distribution, name, this.#surroundings);
      const result = await probe(distribution, name, path);
      if ('reason' in result) return undefined;
      tools.push({ name, version: result.version, path, source });
    }
    return tools;
  }
}

function withoutRange({ name, version, path, source }: LocatedTool): ObtainedTool {
  return { name, version, path, source };
}

const UNWRITABLE = 'cannot write';

function fail(distribution: Distribution, tools: readonly ToolName[], attempts: readonly Attempt[]): ToolFailure {
  const variables = tools.map(variableOf).join(', ');
  const unbroken = attempts.every(({ way }) => way !== 'go build');
  const unwritable = attempts.some(({ reason }) => reason.startsWith(UNWRITABLE));
  const remedy = unwritable
    ? `make that directory writable, or set XDG_CACHE_HOME to one that is, or set ${variables} to a binary of version ${distribution.accepts}`
    : unbroken && attempts.some(({ way }) => way.startsWith('GAMEDAY_'))
      ? `correct or unset ${variables}`
      : `give access to github.com (HTTPS_PROXY, or GAMEDAY_MIRROR=<base URL that mirrors https://github.com>), ` +
        `or install Go (https://go.dev/dl), or set ${variables} to a binary of version ${distribution.accepts}`;
  return { tools, attempts, remedy };
}

function describe({ tools, attempts, remedy }: ToolFailure): string {
  const width = Math.max(...attempts.map(({ way }) => way.length));
  const lines = attempts.map(({ way, reason }) => `  ${way.padEnd(width)}  ${reason}`);
  return [`cannot obtain ${tools.join(' and ')}:`, ...lines, `What to do: ${remedy}.`].join('\n');
}
