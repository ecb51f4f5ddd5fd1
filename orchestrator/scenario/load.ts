/** One scenario file → a checked scenario, or every mistake in it. */
import { readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import type { SystemManifest } from '../../kit/system.ts';
import { type AlertShape, checkScenario } from './check.ts';
import { type ParsedDocument, ScenarioParser } from './document.ts';
import { type Problem, ScenarioError, suggestion } from './problems.ts';
import { resolveScenario, type ScenarioOptions } from './resolve.ts';
import type { Scenario } from './types.ts';

/** What the loader asks of the rest of the project. */
export interface ScenarioSurroundings {
  /** The project's, where the schema is. */
  readonly root: string;
  /** The systems' home, where scenario files are relative to; absolute. */
  readonly home: string;
  systemNames(): readonly string[];
  manifest(system: string): Promise<SystemManifest>;
  /** Alerting rules of the system and the shared ones. */
  alerts(manifest: SystemManifest): Promise<readonly AlertShape[]>;
  loadScripts(manifest: SystemManifest): readonly string[];
  readonly evaluationIntervalMs: number;
}

export interface LoadedScenario {
  readonly scenario: Scenario;
  readonly manifest: SystemManifest;
  /** The system's; absolute. */
  readonly home: string;
  /** As given: relative to the home when inside. */
  readonly file: string;
  readonly warnings: readonly Problem[];
}

export class ScenarioLoader {
  readonly #surroundings: ScenarioSurroundings;
  readonly #parser: ScenarioParser;

  constructor(surroundings: ScenarioSurroundings) {
    this.#surroundings = surroundings;
    const schemaFile = join(surroundings.root, 'scenarios/scenario.schema.json');
    this.#parser = new ScenarioParser(JSON.parse(readFileSync(schemaFile, 'utf8')) as object);
  }

  /** Throws `ScenarioError` with every problem when one of them is an error. */
  async load(file: string, options: ScenarioOptions): Promise<LoadedScenario> {
    return this.check(this.#parser.parse(this.#read(file), file), file, options);
  }

  #read(file: string): string {
    try {
      return readFileSync(isAbsolute(file) ? file : join(this.#surroundings.home, file), 'utf8');
    } catch (error) {
      const message = `cannot be read as a file: ${(error as Error).message}`;
      throw new ScenarioError([{ severity: 'error', file, line: 1, column: 1, message }]);
    }
  }

  async check(parsed: ParsedDocument, file: string, options: ScenarioOptions): Promise<LoadedScenario> {
    if (!parsed.ok) throw new ScenarioError(parsed.problems);
    const { source, at } = parsed;
    const systems = this.#surroundings.systemNames();
    if (!systems.includes(source.system)) {
      const message = `unknown system "${source.system}": expected ${systems.join(', ')}${suggestion(source.system, systems)}`;
      throw new ScenarioError([at.problem(['system'], message)]);
    }
    const manifest = await this.#surroundings.manifest(source.system);
    const alerts = new Map((await this.#surroundings.alerts(manifest)).map((alert) => [alert.name, alert]));
    const scenario = resolveScenario(source, options, manifest.elsewhere?.targets.length ?? manifest.nodes.default);
    const problems = checkScenario({
      ...{ source, scenario, at, manifest, alerts },
      evaluationIntervalMs: this.#surroundings.evaluationIntervalMs,
      loadScripts: this.#surroundings.loadScripts(manifest),
    });
    if (problems.some((problem) => problem.severity === 'error')) throw new ScenarioError(problems);
    return { scenario, manifest, home: this.#surroundings.home, file, warnings: problems };
  }
}
