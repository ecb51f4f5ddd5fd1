/** The project's folders as the scenario loader sees them. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ScenarioLoader } from '../scenario/load.ts';
import { alertShapes, EVALUATION_INTERVAL_MS, readRules } from './rules.ts';
import { loadScripts, type Systems } from './systems.ts';

/** Two folders above this file. */
export const PROJECT_ROOT = resolve(import.meta.dirname, '../..');

export function scenarioLoader(root: string, systems: Systems): ScenarioLoader {
  return new ScenarioLoader({
    root,
    systemNames: () => systems.names(),
    manifest: (name) => systems.manifest(name),
    alerts: async (manifest) => alertShapes(await readRules(root, systems.ruleFiles(root, manifest.name))),
    loadScripts: (manifest) => loadScripts(root, manifest),
    evaluationIntervalMs: EVALUATION_INTERVAL_MS,
  });
}

export function projectVersion(root: string): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}
