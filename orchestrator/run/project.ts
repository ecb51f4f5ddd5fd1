/** The project's folders as the scenario loader sees them. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { SystemManifest } from '../../kit/system.ts';
import { ScenarioLoader } from '../scenario/load.ts';
import type { RuleSet } from '../verdict/rules.ts';
import { alertShapes, EVALUATION_INTERVAL_MS, readRules } from './rules.ts';
import { seriesRules } from './series_rules.ts';
import { loadScripts, ruleFiles, type Systems } from './systems.ts';

/** Two folders above this file. */
export const PROJECT_ROOT = resolve(import.meta.dirname, '../..');

/** Where runbooks are in a home whose manifest does not say. */
export const RUNBOOKS = 'docs/runbooks';

export function scenarioLoader(root: string, systems: Systems): ScenarioLoader {
  return new ScenarioLoader({
    ...{ root, home: systems.home },
    systemNames: () => systems.names(),
    manifest: (name) => systems.manifest(name),
    alerts: async (manifest) => alertShapes(await rulesOf(root, systems.home, manifest)),
    loadScripts: (manifest) => loadScripts(systems.home, manifest),
    evaluationIntervalMs: EVALUATION_INTERVAL_MS,
  });
}

/** All rules that a run of the system has. */
export function rulesOf(root: string, home: string, manifest: SystemManifest): Promise<RuleSet> {
  return readRules(root, ruleFiles(root, home, manifest.files.rules), seriesRules(manifest));
}

export function projectVersion(root: string): string {
  return (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}
