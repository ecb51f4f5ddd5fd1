import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Which systems are checked: those that were named, or every one. */
export interface Selection {
  /** Names of all systems of `services/index.ts`. */
  readonly systems: readonly string[];
  /** Empty: all. */
  readonly chosen: readonly string[];
}

const SKIPPED = /(^|\/)(node_modules|\.gameday|\.git|data|coverage)(\/|$)/;

/** Project files that match, as paths from the root, sorted. */
export function projectFiles(root: string, ...patterns: string[]): string[] {
  return globSync(patterns, { cwd: root, exclude: (path) => SKIPPED.test(path) })
    .filter((path) => !SKIPPED.test(path))
    .sort();
}

/** The system whose name a path bears as a folder or as its file's first word, e.g. `alerts/tests/kv_storage.test.yml`. */
export function systemOf(path: string, systems: readonly string[]): string | undefined {
  const folders = path.split('/');
  const [word] = (folders.pop() ?? '').split(/[._-]/);
  return systems.find((system) => folders.includes(system) || word === system);
}

/**
 * True when a file belongs to what is checked. Without a choice: always. Otherwise when it bears a chosen system's name; when
 * it bears no system's name it is shared, and counts when its text names a chosen one.
 */
export function isSelected(root: string, path: string, { systems, chosen }: Selection): boolean {
  if (chosen.length === 0) return true;
  const owner = systemOf(path, systems);
  if (owner) return chosen.includes(owner);
  const text = readFileSync(join(root, path), 'utf8');
  return chosen.some((system) => new RegExp(`\\b${system}\\b`).test(text));
}
