import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Distribution, ToolName } from './catalogue.ts';

/** What the machine gives: injected, so that tests can play another machine. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** `process.platform`-`process.arch`, the key of a distribution's archives. */
  readonly platform: string;
  /** Milliseconds. */
  readonly limits: Limits;
}

export interface Limits {
  /** From the request to the response's headers: name look-up, connect, TLS, redirects. */
  readonly response: number;
  /** Longest silence in the middle of a download. */
  readonly stall: number;
  readonly download: number;
  readonly build: number;
}

export function thisMachine(): Surroundings {
  return {
    environment: process.env,
    platform: `${process.platform}-${process.arch}`,
    limits: { response: 10_000, stall: 20_000, download: 15 * 60_000, build: 30 * 60_000 },
  };
}

/** `$XDG_CACHE_HOME/gameday/tools`, by default `~/.cache/gameday/tools`. */
export function cacheDirectory(surroundings: Surroundings): string {
  const { XDG_CACHE_HOME, HOME } = surroundings.environment;
  return join(XDG_CACHE_HOME || join(HOME || homedir(), '.cache'), 'gameday', 'tools');
}

export function cachedPath(distribution: Distribution, tool: ToolName, surroundings: Surroundings): string {
  return join(cacheDirectory(surroundings), distribution.name, distribution.version, tool);
}

/** URL of a file of the release, from `GAMEDAY_MIRROR` when that is set. */
export function releaseUrl(distribution: Distribution, file: string, surroundings: Surroundings): string {
  const base = surroundings.environment.GAMEDAY_MIRROR || 'https://github.com';
  return `${base.replace(/\/+$/, '')}/${distribution.release.path}/${file}`;
}
