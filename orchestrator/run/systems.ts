/** The systems that a command can put under test, their home, and the rule files and load scripts that belong to each. */
import { globSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { SystemManifest } from '../../kit/system.ts';
import type { ObtainedTool, ToolName } from '../../tools/obtain.ts';
import { suggestion } from '../scenario/problems.ts';
import { loadManifestFile, ManifestError } from './manifest_file.ts';
import { isBaseUrl, portOf, sameTwice, withoutPassword } from './manifest_shape.ts';

/** The registry of a home: names to modules whose default export is a manifest. */
export type SystemRegistry = Readonly<Record<string, () => Promise<{ readonly default: SystemManifest }>>>;

export class UnknownSystemError extends Error {
  readonly code = 'SYSTEM_UNKNOWN';
  constructor(name: string, names: readonly string[]) {
    super(`unknown system "${name}": expected ${names.join(', ')}${suggestion(name, names)}`);
    this.name = 'UnknownSystemError';
  }
}

/** The rules that every run has, as paths from the project's root. */
export const SHARED_RULES = [
  'alerts/gameday.rules.yml',
  'alerts/slo.rules.yml',
  'prometheus/recording/gameday.rules.yml',
] as const;

export class Systems {
  /** The folder with `scenarios/`, `loadtests/` and what the manifests' `files` name; absolute. */
  readonly home: string;
  /** Where the manifest is, when it is none of the project's own; absolute. */
  readonly manifestFile: string | undefined;
  readonly #registry: SystemRegistry;

  constructor(registry: SystemRegistry, home: string, manifestFile?: string) {
    this.#registry = registry;
    this.home = home;
    this.manifestFile = manifestFile;
  }

  /** The project's own, with its root as their home. */
  static async project(root: string): Promise<Systems> {
    const { systems } = await import('../../services/index.ts');
    return new Systems(systems, root);
  }

  /** The one that a file describes, with the file's folder as its home. @throws ManifestError */
  static async file(word: string, workingDirectory: string): Promise<Systems> {
    const { file, manifest } = await loadManifestFile(word, workingDirectory);
    return new Systems({ [manifest.name]: async () => ({ default: manifest }) }, dirname(file), file);
  }

  names(): string[] {
    return Object.keys(this.#registry).sort();
  }

  async manifest(name: string): Promise<SystemManifest> {
    const load = Object.hasOwn(this.#registry, name) ? this.#registry[name] : undefined;
    if (load === undefined) throw new UnknownSystemError(name, this.names());
    return (await load()).default;
  }

  /** Every manifest, in the order of the names. */
  manifests(): Promise<SystemManifest[]> {
    return Promise.all(this.names().map((name) => this.manifest(name)));
  }

  /** The same systems, whose nodes run at these base URLs. @throws ManifestError when an address is none */
  async at(targets: readonly string[]): Promise<Systems> {
    const wrong = targets.filter((target) => !isBaseUrl(target));
    if (wrong.length > 0)
      throw new ManifestError('--targets', [
        `${wrong.map((target) => `"${withoutPassword(target)}"`).join(', ')}: expected base URLs such as http://10.0.0.1:2379, without a path and without a password, separated by commas`,
      ]);
    const twice = [...sameTwice(targets)];
    if (twice.length > 0) throw new ManifestError('--targets', twice);
    const moved = (await this.manifests()).map((manifest) => elsewhere(manifest, targets));
    for (const manifest of moved) {
      const lacking = targets.flatMap((target) => [...portOf(target, manifest)]);
      if (lacking.length > 0) throw new ManifestError('--targets', lacking);
    }
    const registry = moved.map((manifest) => [manifest.name, async () => ({ default: manifest })] as const);
    return new Systems(Object.fromEntries(registry), this.home, this.manifestFile);
  }
}

/** Nothing that needs a process of ours is left of it, except what its hooks can do. */
function elsewhere(manifest: SystemManifest, targets: readonly string[]): SystemManifest {
  const { start: _, ...rest } = manifest;
  return { ...rest, elsewhere: { ...manifest.elsewhere, targets } };
}

/** Alerting and recording rule files, absolute: those that all share, and the system's own. */
export function ruleFiles(root: string, home: string, own: readonly string[]): string[] {
  const files = [...SHARED_RULES.map((file) => join(root, file)), ...own.map((file) => join(home, file))];
  return [...new Set(files)];
}

/** What must be obtained before the nodes start; the names have been checked against the catalogue. */
export function systemTools({ tools = [] }: SystemManifest): ToolName[] {
  return [...tools] as ToolName[];
}

/** Paths for `ClusterPlan.tools`. */
export function toolPaths(
  manifest: SystemManifest,
  obtained: ReadonlyMap<ToolName, ObtainedTool>,
): Record<string, string> {
  return Object.fromEntries(systemTools(manifest).map((name) => [name, obtained.get(name)!.path]));
}

/** Scripts that can be run, as a scenario names them: by their path below the home's `loadtests/`. */
export function loadScripts(home: string, manifest: SystemManifest): string[] {
  return globSync(`${manifest.files.loadtests ?? 'loadtests'}/**/*.ts`, { cwd: home })
    .map((file) => file.replace(/^loadtests[/\\]/, '').replaceAll('\\', '/'))
    .filter((file) => !file.endsWith('.test.ts'))
    .sort();
}
