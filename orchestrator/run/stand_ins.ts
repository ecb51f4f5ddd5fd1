/** What a run exports about itself and a system that is only looked at has not: written into the copy of its series by what the scenario says. */
import type { Scenario } from '../scenario/types.ts';
import { objectiveMetricName } from '../scenario/units.ts';

export interface StandIn {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Objectives are always the scenario's: what another run, say, had exported there is not what is asked now. */
export function isObjective(name: string): boolean {
  return name.startsWith('gameday_objective_');
}

/** @param found names of metrics that the system's own Prometheus has (the copy of a run, sent there by `--remote-write`): they stand for themselves */
export function standIns({ objectives, nodes }: Scenario, found: ReadonlySet<string>): StandIn[] {
  const all: StandIn[] = [
    ...Object.entries(objectives).map(([name, objective]) => ({
      name: objectiveMetricName(name, objective),
      labels: {},
      value: objective.value,
    })),
    { name: 'gameday_nodes_expected', labels: {}, value: nodes },
    // The whole window counts as load: clients use the system.
    { name: 'gameday_phase', labels: { phase: 'loading' }, value: 1 },
  ];
  return all.filter(({ name }) => isObjective(name) || !found.has(name));
}
