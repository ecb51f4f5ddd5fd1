/** One fault without a scenario, checked as if it stood in one. */
import type { SystemManifest } from '../../kit/system.ts';
import { FAULT_CHECKS } from './check_faults.ts';
import { ScenarioParser } from './document.ts';
import { resolveScenario } from './resolve.ts';
import type { FaultPlan } from './types.ts';

export type LoneFault =
  | { readonly ok: true; readonly plan: FaultPlan }
  | { readonly ok: false; readonly mistakes: readonly string[] };

/** @param fault as in a scenario, without `at`: its name, its kind with the target, parameters, `heal_after` */
export function parseLoneFault(
  schema: object,
  fault: Readonly<Record<string, unknown>>,
  manifest: SystemManifest,
  nodes: number,
): LoneFault {
  const scenario = {
    ...{ version: 1, id: 'fault', title: 'A fault', system: manifest.name, nodes },
    load: { script: 'none.ts', rate: '1/s', duration: '30d' },
    faults: [{ at: '0s', ...fault }],
    criteria: [{ alert: 'None', expect: 'silent' }],
  };
  // JSON is YAML.
  const parsed = new ScenarioParser(schema).parse(JSON.stringify(scenario), 'fault');
  if (!parsed.ok) return { ok: false, mistakes: parsed.problems.map(({ message }) => message) };
  const { source, at } = parsed;
  const resolved = resolveScenario(source, { ci: false, timeScale: 1 }, nodes);
  const input = {
    source,
    scenario: resolved,
    at,
    manifest,
    alerts: new Map(),
    evaluationIntervalMs: 0,
    loadScripts: [],
  };
  const problems = FAULT_CHECKS.flatMap((check) => [...check(input)]);
  return problems.length === 0
    ? { ok: true, plan: resolved.faults[0]! }
    : { ok: false, mistakes: problems.map(({ message }) => message) };
}
