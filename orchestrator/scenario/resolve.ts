/** A scenario's source → the typed scenario, with the `ci` overlay, the time scale and the command line's node count applied. */
import type { FaultKind } from '../../kit/system.ts';
import type { CriterionSource, FaultSource, OverlaySource, ScenarioSource } from './document.ts';
import { FAULT_KINDS } from './fault_kinds.ts';
import { loadPlan } from './load_plan.ts';
import type { Criterion, FaultGroup, FaultParameters, FaultPlan, Objective, Scenario } from './types.ts';
import { parseDataRate, parseDuration, parseObjective, parseOffset, parsePercent } from './units.ts';

export interface ScenarioOptions {
  /** Apply the `ci` overlay. */
  readonly ci: boolean;
  /** Factor on every length of the schedule, in (0, 1]. Objectives and rules are never scaled. */
  readonly timeScale: number;
  /** Overrides the scenario's count. */
  readonly nodes?: number;
}

/** `defaultNodes` is the system's, for a scenario that names no count. The source has passed the schema. */
export function resolveScenario(source: ScenarioSource, options: ScenarioOptions, defaultNodes: number): Scenario {
  const overlay: OverlaySource = (options.ci ? source.ci : undefined) ?? {};
  const nodes = options.nodes ?? overlay.nodes ?? source.nodes ?? defaultNodes;
  const scaled = (text: string) => Math.round(duration(text) * options.timeScale);
  return {
    version: 1,
    id: source.id,
    title: source.title,
    system: source.system,
    nodes,
    ...(source.start_from === undefined ? {} : { startFrom: source.start_from }),
    load: loadPlan(source.load, overlay.load, options.timeScale),
    objectives: objectives(source),
    faults: (source.faults ?? []).map((fault) => faultPlan(fault, overlay, scaled, nodes)),
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

function faultPlan(
  fault: FaultSource,
  overlay: OverlaySource,
  scaled: (text: string) => number,
  nodes: number,
): FaultPlan {
  const changes = overlay.faults?.find((candidate) => candidate.name === fault.name);
  const kind = faultKind(fault);
  const target = fault[kind]!;
  const [every, count] = [changes?.every ?? fault.every, changes?.count ?? fault.count];
  return {
    name: fault.name,
    kind,
    target: typeof target === 'string' ? target : groupsText(target),
    ...(typeof target === 'string' ? {} : { groups: faultGroups(target, nodes) }),
    parameters: faultParameters(fault, kind),
    atMs: scaled(changes?.at ?? fault.at),
    healAfterMs: scaled(changes?.heal_after ?? fault.heal_after),
    // One without the other is a problem that the checks report.
    ...(every === undefined || count === undefined ? {} : { repeat: { everyMs: scaled(every), count } }),
  };
}

type GroupsSource = Exclude<FaultSource['partition'], string | undefined>;

/** `50% | 50%`, `node:0 | node:1, node:2` */
function groupsText(groups: GroupsSource): string {
  return groups.map((group) => (typeof group === 'string' ? group : group.join(', '))).join(' | ');
}

function faultGroups(groups: GroupsSource, nodes: number): FaultGroup[] {
  const shares = groups.map((group) => (typeof group === 'string' ? parsed(group, parsePercent) : 0));
  const sizes = groupSizes(shares, nodes);
  return groups.map((group, place) =>
    typeof group === 'string'
      ? { share: shares[place]!, size: sizes[place]! }
      : { nodes: group.map((node) => Number(node.slice('node:'.length))) },
  );
}

/** Largest remainder: whole numbers that sum to `nodes`, as near to the shares as can be. */
function groupSizes(shares: readonly number[], nodes: number): number[] {
  const exact = shares.map((share) => share * nodes);
  const sizes = exact.map((size) => Math.floor(size + 1e-9));
  const order = exact.map((size, place) => ({ place, rest: size - sizes[place]! })).sort((a, b) => b.rest - a.rest);
  const left = nodes - sizes.reduce((sum, size) => sum + size, 0);
  for (const { place } of order.slice(0, left)) sizes[place]! += 1;
  return sizes;
}

/** Not scaled: they are what the fault is, not when it happens. */
function faultParameters(fault: FaultSource, kind: FaultKind): FaultParameters {
  const { direction, delay, jitter, rate, probability, offset, as } = fault;
  return {
    ...(direction === undefined ? {} : { direction }),
    ...(delay === undefined ? {} : { delayMs: duration(delay) }),
    ...(jitter === undefined ? {} : { jitterMs: duration(jitter) }),
    ...(typeof rate === 'string' && kind === 'bandwidth' ? { bytesPerSecond: parsed(rate, parseDataRate) } : {}),
    ...(typeof rate === 'number' && kind === 'clock_skew' ? { rate } : {}),
    ...(probability === undefined ? {} : { probability: parsed(probability, parsePercent) }),
    ...(offset === undefined ? {} : { offsetMs: parsed(offset, parseOffset) }),
    ...(as === undefined ? {} : { as }),
  };
}

function criterion(source: CriterionSource): Criterion {
  return {
    alert: source.alert,
    expect: source.expect,
    ...(source.during === undefined ? {} : { during: source.during }),
    ...(source.outside === undefined ? {} : { outside: source.outside }),
    ...(source.within === undefined ? {} : { withinMs: duration(source.within) }),
    ...(source.stretch === undefined ? {} : { stretch: source.stretch }),
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
