/** A scenario's source → the typed scenario, with the `ci` overlay, the time scale and the command line's node count applied. */
import type { FaultKind } from '../../kit/system.ts';
import type { CriterionSource, FaultSource, OverlaySource, ScenarioSource } from './document.ts';
import type { Criterion, FaultPlan, Objective, Scenario } from './types.ts';
import { parseDuration, parseObjective, parseRate } from './units.ts';

export interface ScenarioOptions {
  /** Apply the `ci` overlay. */
  readonly ci: boolean;
  /** Factor on every length of the schedule, in (0, 1]. Objectives and rules are never scaled. */
  readonly timeScale: number;
  /** Overrides the scenario's count. */
  readonly nodes?: number;
}

export const FAULT_KINDS: readonly FaultKind[] = ['kill', 'pause', 'restart'];

/** `defaultNodes` is the system's, for a scenario that names no count. The source has passed the schema. */
export function resolveScenario(source: ScenarioSource, options: ScenarioOptions, defaultNodes: number): Scenario {
  const overlay: OverlaySource = (options.ci ? source.ci : undefined) ?? {};
  const scaled = (text: string) => Math.round(duration(text) * options.timeScale);
  return {
    version: 1,
    id: source.id,
    title: source.title,
    system: source.system,
    nodes: options.nodes ?? overlay.nodes ?? source.nodes ?? defaultNodes,
    load: {
      script: source.load.script,
      profile: source.load.profile,
      ratePerSecond: parsed(overlay.load?.rate ?? source.load.rate, parseRate),
      durationMs: scaled(overlay.load?.duration ?? source.load.duration),
      deadlineMs: duration(source.load.deadline),
    },
    objectives: objectives(source),
    faults: (source.faults ?? []).map((fault) => faultPlan(fault, overlay, scaled)),
    criteria: source.criteria.map(criterion),
    // Not scaled: it covers the last scrape and the checkers, which do not get faster.
    settleMs: duration(overlay.settle ?? source.settle),
    overlay: options.ci && source.ci !== undefined ? 'ci' : 'none',
    timeScale: options.timeScale,
  };
}

export function faultKind(fault: FaultSource): FaultKind {
  const kind = FAULT_KINDS.find((candidate) => fault[candidate] !== undefined);
  if (kind === undefined) throw new Error(`fault ${fault.name} passed the schema without a kind`);
  return kind;
}

function faultPlan(fault: FaultSource, overlay: OverlaySource, scaled: (text: string) => number): FaultPlan {
  const changes = overlay.faults?.find((candidate) => candidate.name === fault.name);
  const kind = faultKind(fault);
  return {
    name: fault.name,
    kind,
    target: fault[kind]!,
    atMs: scaled(changes?.at ?? fault.at),
    healAfterMs: scaled(changes?.heal_after ?? fault.heal_after),
  };
}

function criterion(source: CriterionSource): Criterion {
  return {
    alert: source.alert,
    expect: source.expect,
    ...(source.during === undefined ? {} : { during: source.during }),
    ...(source.outside === undefined ? {} : { outside: source.outside }),
    ...(source.within === undefined ? {} : { withinMs: duration(source.within) }),
  };
}

function objectives(source: ScenarioSource): Record<string, Objective> {
  const entries = Object.entries(source.objectives ?? {});
  return Object.fromEntries(entries.map(([name, text]) => [name, parsed(text, parseObjective)]));
}

function duration(text: string): number {
  return parsed(text, parseDuration);
}

/** The schema's patterns and these parsers say the same; a difference between them is a mistake in the program. */
function parsed<T>(text: string, parser: (text: string) => T | undefined): T {
  const value = parser(text);
  if (value === undefined) throw new Error(`"${text}" passed the schema and cannot be parsed`);
  return value;
}
