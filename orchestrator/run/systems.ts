/** The systems that the orchestrator can put under test, and the rule files and load scripts that belong to each. */
import { globSync } from 'node:fs';
import { basename } from 'node:path';
import type { SystemManifest } from '../../kit/system.ts';
import { suggestion } from '../scenario/problems.ts';

/** The registry of a project: names to modules whose default export is a manifest. */
export type SystemRegistry = Readonly<Record<string, () => Promise<{ readonly default: SystemManifest }>>>;

export class UnknownSystemError extends Error {
  readonly code = 'SYSTEM_UNKNOWN';
  constructor(name: string, names: readonly string[]) {
    super(`unknown system "${name}": expected ${names.join(', ')}${suggestion(name, names)}`);
    this.name = 'UnknownSystemError';
  }
}

export class Systems {
  readonly #registry: SystemRegistry;

  constructor(registry: SystemRegistry) {
    this.#registry = registry;
  }

  /** The registry of this project. */
  static async project(): Promise<Systems> {
    const { systems } = await import('../../services/index.ts');
    return new Systems(systems);
  }

  names(): string[] {
    return Object.keys(this.#registry).sort();
  }

  async manifest(name: string): Promise<SystemManifest> {
    const load = Object.hasOwn(this.#registry, name) ? this.#registry[name] : undefined;
    if (load === undefined) throw new UnknownSystemError(name, this.names());
    return (await load()).default;
  }

  /**
   * Alerting and recording rule files of a system, as paths from the root: its own, and those that bear no system's name, which
   * all share.
   */
  ruleFiles(root: string, system: string): string[] {
    const others = this.names().filter((name) => name !== system);
    return globSync(['alerts/*.rules.yml', 'prometheus/recording/*.rules.yml'], { cwd: root })
      .filter((file) => !others.includes(basename(file, '.rules.yml')))
      .sort();
  }
}

/** Scripts under `loadtests/<system>/` that can be run, as a scenario names them. */
export function loadScripts(root: string, manifest: SystemManifest): string[] {
  return globSync(`loadtests/${manifest.name}/**/*.ts`, { cwd: root })
    .map((file) => file.replace(/^loadtests[/\\]/, '').replaceAll('\\', '/'))
    .filter((file) => !file.endsWith('.test.ts'))
    .sort();
}
