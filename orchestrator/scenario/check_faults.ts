/** The checks of a scenario's faults: that the system takes them, that they strike somebody, and that they fit into the load. */
import { FSYNC_LIES, OBSERVERS, type SystemManifest } from '../../kit/system.ts';
import { injectionName, plannedInjections } from '../run/record.ts';
import type { Check, CheckInput } from './check.ts';
import type { FaultSource, Path, ScenarioSource } from './document.ts';
import { FAULT_SHAPES, faultsOf, injectionsOf, lackFor, PARAMETER_NAMES, type ParameterName } from './fault_kinds.ts';
import { type Problem, suggestion } from './problems.ts';
import type { FaultGroup, FaultPlan, Scenario } from './types.ts';
import { formatDuration } from './units.ts';

const RECOVERY_OBJECTIVE = 'gameday_objective_recovery_seconds';

export const FAULT_CHECKS: readonly Check[] = [
  names,
  kinds,
  targets,
  groups,
  parameters,
  repetition,
  windows,
  recoveries,
];

function* names({ scenario, at }: CheckInput): Iterable<Problem> {
  for (const [index, fault] of scenario.faults.entries()) {
    const first = scenario.faults.findIndex((other) => other.name === fault.name);
    if (first < index) {
      yield at.problem(
        ['faults', index, 'name'],
        `fault "${fault.name}" exists already: criteria refer to faults by name`,
      );
    }
    const repeated = scenario.faults.find(
      (other) => other.repeat !== undefined && injectionNames(other).includes(fault.name),
    );
    if (repeated !== undefined) {
      yield at.problem(
        ['faults', index, 'name'],
        `"${fault.name}" is the name of an injection of fault "${repeated.name}": outcomes are kept by name`,
      );
    }
  }
}

function injectionNames(plan: FaultPlan): string[] {
  return plannedInjections(plan).map(injectionName);
}

function* kinds({ scenario, manifest, at }: CheckInput): Iterable<Problem> {
  const taken = faultsOf(manifest);
  if (scenario.startFrom !== undefined && !scenario.faults.some(({ kind }) => kind === 'upgrade'))
    yield at.problem(['start_from'], 'no fault is an `upgrade`: the version under test would never run');
  for (const [index, { kind }] of scenario.faults.entries()) {
    if (kind === 'upgrade' && scenario.startFrom === undefined) {
      yield at.problemOfName(
        ['faults', index, kind],
        'nothing to upgrade: `start_from: previous` starts the nodes from the version before',
      );
    }
    if (taken.includes(kind)) continue;
    yield at.problemOfName(
      ['faults', index, kind],
      `${manifest.name} has no fault "${kind}": it takes ${taken.join(', ')}; for "${kind}" its manifest needs ${lackFor(kind, manifest)}`,
    );
  }
}

/** Targets other than `node:N` that a manifest allows. */
export function targetNames(manifest: SystemManifest): string[] {
  const roles = Object.keys(manifest.roles ?? {});
  return [...new Set([...roles, ...(roles.includes('leader') ? ['follower', 'followers'] : []), 'any', 'all'])];
}

function* targets({ scenario, manifest, at }: CheckInput): Iterable<Problem> {
  for (const [index, { kind, target, groups: parts }] of scenario.faults.entries()) {
    if (parts !== undefined) continue;
    const path = ['faults', index, kind];
    if (kind === 'silence') {
      if (!OBSERVERS.some((name) => name === target))
        yield at.problem(
          path,
          `nobody who observes is "${target}": expected ${OBSERVERS.join(' or ')}${suggestion(target, OBSERVERS)}`,
        );
      continue;
    }
    const node = /^node:(\d+)$/.exec(target);
    if (node && Number(node[1]) >= scenario.nodes) {
      yield at.problem(path, noSuchNode(target, scenario.nodes));
    } else if (!node && !targetNames(manifest).includes(target)) {
      const all = [...targetNames(manifest), 'node:N'];
      yield at.problem(path, `unknown target "${target}": expected ${all.join(', ')}${suggestion(target, all)}`);
    } else if (kind === 'flipped_bit' && (target === 'all' || target === 'followers')) {
      yield at.problem(
        path,
        `flipped_bit takes one node: it is healed by joining again, which needs a majority that "${target}" would take away`,
      );
    }
  }
}

function noSuchNode(name: string, nodes: number): string {
  return `there is no ${name}: with ${nodes} nodes they are node:0 to node:${nodes - 1}`;
}

function* groups({ scenario, at }: CheckInput): Iterable<Problem> {
  for (const [index, { kind, groups: parts, parameters: given }] of scenario.faults.entries()) {
    if (parts === undefined) continue;
    const message = impossibleGroups(parts, scenario.nodes);
    if (message !== undefined) yield at.problem(['faults', index, kind], message);
    if (given.direction !== undefined)
      yield at.problem(['faults', index, 'direction'], '`direction` goes with a target: between groups nothing passes');
  }
}

function impossibleGroups(parts: readonly FaultGroup[], nodes: number): string | undefined {
  const shares = parts.flatMap((part) => ('share' in part ? [part.share] : []));
  const lists = parts.flatMap((part) => ('nodes' in part ? [part.nodes] : []));
  if (shares.length > 0 && lists.length > 0) return 'groups are shares or lists of nodes, not both';
  if (shares.length > 0) {
    const sum = Number((shares.reduce((total, share) => total + share, 0) * 100).toPrecision(12));
    if (sum !== 100) return `the shares sum to ${sum}%: expected 100%`;
    const sizes = parts.flatMap((part) => ('size' in part ? [part.size] : []));
    const empty = sizes.indexOf(0);
    return empty < 0
      ? undefined
      : `with ${nodes} nodes the shares make groups of ${sizes.join(' and ')}: nobody would be cut off`;
  }
  const all = lists.flat();
  const unknown = all.find((node) => node >= nodes);
  if (unknown !== undefined) return noSuchNode(`node:${unknown}`, nodes);
  const twice = all.find((node, place) => all.indexOf(node) !== place);
  if (twice !== undefined) return `node:${twice} is in two groups`;
  const missing = Array.from({ length: nodes }, (_, node) => node).filter((node) => !all.includes(node));
  return missing.length === 0
    ? undefined
    : `${missing.map((node) => `node:${node}`).join(', ')} in no group: each node must be on one side`;
}

function* parameters({ scenario, source, manifest, at }: CheckInput): Iterable<Problem> {
  for (const [index, plan] of scenario.faults.entries()) {
    const given = PARAMETER_NAMES.filter((name) => source.faults?.[index]?.[name] !== undefined);
    yield* parameterNames(plan, given, index, at);
    for (const [name, message] of parameterValues(plan, source.faults![index]!, manifest))
      yield at.problem(['faults', index, name], message);
  }
}

function* parameterNames(
  { kind }: FaultPlan,
  given: readonly ParameterName[],
  index: number,
  at: CheckInput['at'],
): Iterable<Problem> {
  const { needs, takes, needsOneOf } = FAULT_SHAPES[kind];
  const known: readonly ParameterName[] = [...needs, ...takes];
  for (const name of given) {
    if (known.includes(name)) continue;
    const expected = known.length === 0 ? 'it takes nothing but its target' : `it takes ${known.join(', ')}`;
    yield at.problemOfName(['faults', index, name], `${kind} has no \`${name}\`: ${expected}`);
  }
  for (const name of needs) {
    if (!given.includes(name)) yield at.problem(['faults', index, kind], `${kind} needs \`${name}\``);
  }
  if (needsOneOf && !needsOneOf.some((name) => given.includes(name)))
    yield at.problem(['faults', index, kind], `${kind} needs \`${needsOneOf.join('` or `')}\``);
}

/** Values that a kind cannot have; the schema has seen to how they are written. */
function* parameterValues(
  { kind, parameters: given }: FaultPlan,
  source: FaultSource,
  manifest: SystemManifest,
): Iterable<readonly [ParameterName, string]> {
  const { probability, delayMs, jitterMs, bytesPerSecond, rate, offsetMs, as } = given;
  if (probability !== undefined && (probability <= 0 || probability > 1))
    yield ['probability', `a probability of ${source.probability}: expected more than 0%, at most 100%`];
  if (delayMs === 0) yield ['delay', 'a delay of 0 is no fault'];
  if (jitterMs !== undefined && delayMs !== undefined && jitterMs > delayMs)
    yield ['jitter', `a jitter of ${source.jitter} around ${source.delay}: nothing arrives before it was sent`];
  if (kind === 'bandwidth' && source.rate !== undefined && (bytesPerSecond === undefined || bytesPerSecond < 1000))
    yield ['rate', `a bandwidth of ${source.rate}: expected at least 1KB/s, such as 100KB/s`];
  if (kind === 'clock_skew' && source.rate !== undefined && (rate === undefined || rate === 1))
    yield ['rate', `a clock at the rate ${source.rate}: expected a factor other than 1, such as 1.5`];
  if (offsetMs === 0) yield ['offset', 'an offset of 0 is no skew'];
  if (as !== undefined && kind === 'lying_fsync' && !FSYNC_LIES.some((lie) => lie === as))
    yield ['as', `unknown lie "${as}": expected ${FSYNC_LIES.join(', ')}${suggestion(as, FSYNC_LIES)}`];
  const operations = Object.keys(manifest.operations ?? {});
  if (as !== undefined && kind === 'operate' && !operations.includes(as))
    yield ['as', `unknown operation "${as}": expected ${operations.join(', ')}${suggestion(as, operations)}`];
  const known = manifest.nodeFaults?.misbehaviours ?? [];
  if (as !== undefined && kind === 'misbehave' && !known.includes(as))
    yield ['as', `unknown misbehaviour "${as}": expected ${known.join(', ')}${suggestion(as, known)}`];
}

function* repetition({ scenario, source, at }: CheckInput): Iterable<Problem> {
  for (const [index, plan] of scenario.faults.entries()) {
    const { every, count } = timing(source, scenario, index);
    if (every === undefined && count !== undefined)
      yield at.problem(['faults', index, 'count'], '`count` needs `every`: how long from one injection to the next');
    if (every !== undefined && count === undefined)
      yield at.problem(['faults', index, 'every'], '`every` needs `count`: how many injections the scenario promises');
    if (plan.repeat !== undefined && plan.repeat.count > 1 && plan.healAfterMs >= plan.repeat.everyMs) {
      yield at.problem(
        faultPath(source, scenario, index, 'every'),
        `fault "${plan.name}" strikes again after ${formatDuration(plan.repeat.everyMs)} and is healed after ${formatDuration(plan.healAfterMs)}: its injections would overlap`,
      );
    }
  }
}

/** As the overlay has it, when it counts. */
function timing(source: ScenarioSource, scenario: Scenario, index: number): Pick<FaultSource, 'every' | 'count'> {
  const own = source.faults![index]!;
  const change = scenario.overlay === 'ci' ? source.ci?.faults?.find(({ name }) => name === own.name) : undefined;
  const [every, count] = [change?.every ?? own.every, change?.count ?? own.count];
  return { ...(every === undefined ? {} : { every }), ...(count === undefined ? {} : { count }) };
}

function* windows({ scenario, source, at }: CheckInput): Iterable<Problem> {
  for (const [index, fault] of scenario.faults.entries()) {
    const end = Math.max(...plannedWindows(fault).map(({ atMs, healAfterMs }) => atMs + healAfterMs));
    if (fault.healAfterMs === 0)
      yield at.problem(faultPath(source, scenario, index, 'heal_after'), 'a fault must last longer than 0');
    if (end <= scenario.load.durationMs) continue;
    if (scenario.load.durationMs === 0) {
      yield at.problem(
        ['load'],
        `a load without \`duration\` may be over before fault "${fault.name}" strikes: give it one`,
      );
      continue;
    }
    const which = injectionsOf(fault) > 1 ? `the last injection of fault "${fault.name}"` : `fault "${fault.name}"`;
    yield at.problem(
      faultPath(source, scenario, index, 'at'),
      `${which} ends at ${formatDuration(end)}, after the load's ${formatDuration(scenario.load.durationMs)}: it must lie inside`,
    );
  }
}

/** What happens after the last evaluation is seen by no rule: a recovery that would be too slow would look like one that is not over. */
function* recoveries({ scenario, alerts, at }: CheckInput): Iterable<Problem> {
  const objective = scenario.objectives.recovery;
  const isJudged = scenario.criteria.some(({ alert }) => alerts.get(alert)?.metrics.includes(RECOVERY_OBJECTIVE));
  if (objective?.unit !== 'seconds' || scenario.load.durationMs === 0 || !isJudged) return;
  // The objective does not shrink with the schedule: whoever shrinks it has chosen not to wait so long.
  if (scenario.overlay === 'ci' || scenario.timeScale < 1) return;
  const judgedUntil = scenario.load.durationMs + scenario.settleMs;
  for (const [index, fault] of scenario.faults.entries()) {
    const healed = Math.max(...plannedWindows(fault).map(({ atMs, healAfterMs }) => atMs + healAfterMs));
    const allowed = healed + objective.value * 1000;
    if (allowed <= judgedUntil || healed > scenario.load.durationMs) continue;
    yield at.problem(
      ['faults', index, 'at'],
      `fault "${fault.name}" is healed at ${formatDuration(healed)} and may recover until ${formatDuration(allowed)}, but the run is judged until ${formatDuration(judgedUntil)}: a recovery that is too slow is inconclusive, not a failure`,
      'warning',
    );
  }
}

/** Each injection of a fault, as planned. */
export function plannedWindows(fault: FaultPlan): { readonly atMs: number; readonly healAfterMs: number }[] {
  const { atMs, healAfterMs, repeat } = fault;
  return Array.from({ length: injectionsOf(fault) }, (_, place) => ({
    atMs: atMs + place * (repeat?.everyMs ?? 0),
    healAfterMs,
  }));
}

/** Where a fault's time was set: in the overlay when that is what counted. */
export function faultPath(
  source: ScenarioSource,
  scenario: Scenario,
  index: number,
  field: 'at' | 'heal_after' | 'every' | 'count',
): Path {
  const name = scenario.faults[index]!.name;
  const changed = source.ci?.faults?.findIndex((fault) => fault.name === name && fault[field] !== undefined) ?? -1;
  return scenario.overlay === 'ci' && changed >= 0 ? ['ci', 'faults', changed, field] : ['faults', index, field];
}
