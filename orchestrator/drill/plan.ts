/** Which drill scenarios prove the chosen alerts: each is run once, however many alerts it drills. */
import { posix } from 'node:path';
import { suggestion } from '../scenario/problems.ts';
import type { Scenario } from '../scenario/types.ts';
import type { AlertingRule } from '../verdict/rules.ts';

/** A name on the command line that is no alert, or an alert that nothing drills. */
export class DrillError extends Error {
  readonly code = 'USAGE';
  constructor(message: string) {
    super(message);
    this.name = 'DrillError';
  }
}

export interface Drill {
  /** As in the annotation: `kv/drills/no-majority`. */
  readonly scenario: string;
  /** The chosen alerts that it must turn red. */
  readonly alerts: readonly string[];
}

/**
 * In the order of the rules; `chosen` empty means all of them. Throws DrillError for a name that is no alert, with the nearest one,
 * and for an alert without a drill.
 */
export function planDrills(rules: ReadonlyMap<string, AlertingRule>, chosen: readonly string[]): Drill[] {
  for (const name of chosen) {
    if (rules.has(name)) continue;
    const hint = suggestion(name, rules.keys()) || '.';
    throw new DrillError(`no rule in alerts/ is named "${name}"${hint} \`gameday drill --list\` shows them all`);
  }
  const byScenario = new Map<string, string[]>();
  for (const { name, annotations } of rules.values()) {
    if (chosen.length > 0 && !chosen.includes(name)) continue;
    const drill = annotations.drill;
    if (drill === undefined)
      throw new DrillError(`${name} has no drill: add the annotation \`drill\` to its rule, see alerts/README.md`);
    byScenario.set(drill, [...(byScenario.get(drill) ?? []), name]);
  }
  return [...byScenario].map(([scenario, alerts]) => ({ scenario, alerts }));
}

/** The scenario beside a drill in which nothing happens and every alert must stay silent. */
export function healthyBeside(drill: string): string {
  return `${posix.dirname(drill)}/healthy`;
}

/** What a run takes beside load and settling: nodes, Prometheus and k6 start, the judge and the report. Measured on two cores. */
const OVERHEAD_MS = 12_000;

/** How long the run of a scenario takes, in milliseconds, roughly. */
export function expectedMs({ load, settleMs }: Pick<Scenario, 'load' | 'settleMs'>): number {
  return load.durationMs + settleMs + OVERHEAD_MS;
}
