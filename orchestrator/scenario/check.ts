/**
 * What the schema cannot say: names that must exist, lengths that must fit. Every check is one function from the scenario to
 * problems, so that a file's mistakes are all reported at once.
 */
import type { SystemManifest } from '../../kit/system.ts';
import { FAULT_CHECKS, faultPath, plannedWindows } from './check_faults.ts';
import type { Locator, Path, ScenarioSource } from './document.ts';
import { neverJudged } from './limits.ts';
import { type Problem, suggestion } from './problems.ts';
import type { Criterion, Scenario } from './types.ts';
import { formatDuration, objectiveMetricName, parseDuration, parseRate } from './units.ts';

/** What a criterion's check needs to know of an alerting rule. */
export interface AlertShape {
  readonly name: string;
  /** Metrics without which the rule cannot be decided, those behind recording rules included. */
  readonly metrics: readonly string[];
  readonly forMs: number;
  /** How far into the past the expression looks, recording rules included. */
  readonly rangeMs: number;
}

export interface CheckContext {
  readonly manifest: SystemManifest;
  /** The rules of the system and those that all systems share. */
  readonly alerts: ReadonlyMap<string, AlertShape>;
  readonly evaluationIntervalMs: number;
  readonly loadScripts: readonly string[];
}

export type Check = (input: CheckInput) => Iterable<Problem>;

export interface CheckInput extends CheckContext {
  readonly source: ScenarioSource;
  readonly scenario: Scenario;
  readonly at: Locator;
}

export function checkScenario(input: CheckInput): Problem[] {
  const checks: readonly Check[] = [
    addresses,
    nodeCount,
    loadScript,
    loadSize,
    objectiveValues,
    ...FAULT_CHECKS,
    overlay,
    criterionNames,
    criterionWindows,
    criterionObjectives,
    judgeable,
    faultLongEnough,
    conclusive,
  ];
  return checks.flatMap((check) => [...check(input)]);
}

/** Nodes elsewhere are as many as they are. */
function* addresses({ scenario, manifest, at }: CheckInput): Iterable<Problem> {
  const count = manifest.elsewhere?.targets.length;
  if (count === undefined || scenario.nodes === count) return;
  yield at.problem(
    scenario.overlay === 'ci' ? ['ci', 'nodes'] : ['nodes'],
    `${scenario.nodes} nodes: ${manifest.name} has ${count} elsewhere: leave \`nodes\` out, or give as many addresses`,
  );
}

function* nodeCount({ scenario, manifest, at }: CheckInput): Iterable<Problem> {
  if (manifest.elsewhere !== undefined) return;
  const { min, max } = manifest.nodes;
  if (scenario.nodes < min || scenario.nodes > max) {
    const path = scenario.overlay === 'ci' ? ['ci', 'nodes'] : ['nodes'];
    yield at.problem(path, `${scenario.nodes} nodes: ${manifest.name} takes ${min} to ${max}`);
  }
}

function* loadScript({ scenario, loadScripts, at }: CheckInput): Iterable<Problem> {
  const { script } = scenario.load;
  if (loadScripts.includes(script)) return;
  yield at.problem(['load', 'script'], `there is no loadtests/${script}${suggestion(script, loadScripts)}`);
}

/** k6 holds a virtual user for each operation in flight; more than this no machine starts. */
const RATE_MAX = 100_000;
const DURATION_MAX_MS = 30 * 86_400_000;

function* loadSize({ scenario, source, at }: CheckInput): Iterable<Problem> {
  const { ratePerSecond, durationMs, closed } = scenario.load;
  const path = (field: 'rate' | 'duration') =>
    scenario.overlay === 'ci' && source.ci?.load?.[field] !== undefined ? ['ci', 'load', field] : ['load', field];
  const paced = closed === undefined || source.load.duration !== undefined;
  if (paced && (durationMs <= 0 || durationMs > DURATION_MAX_MS))
    yield at.problem(path('duration'), `a load of ${formatDuration(durationMs)}: expected more than 0s, at most 30d`);
  else if ((paced && ratePerSecond <= 0) || ratePerSecond > RATE_MAX)
    yield at.problem(path('rate'), `a load of ${ratePerSecond}/s: expected more than 0/s, at most ${RATE_MAX}/s`);
  if (!paced && scenario.faults.length > 0)
    yield at.problem(
      ['load'],
      'a load without `duration` is over when it is: with faults it needs one, to last as long as they do',
    );
}

/** A limit that nothing can keep, or nothing can break, makes its rule say nothing. */
function* objectiveValues({ scenario, at }: CheckInput): Iterable<Problem> {
  for (const [name, { unit, value }] of Object.entries(scenario.objectives)) {
    if (value <= 0) yield at.problem(['objectives', name], `objective "${name}" is 0: expected more`);
    if (unit === 'ratio' && value > 1)
      yield at.problem(['objectives', name], `objective "${name}" is more than 100%: expected a share`);
  }
}

/** Where, how large in `ci`, how large otherwise, and that as it is written. */
type Size = readonly [Path, number | undefined, number | undefined, string | number | undefined];

function* overlay({ source, at }: CheckInput): Iterable<Problem> {
  const ci = source.ci;
  if (ci === undefined) return;
  const names = (source.faults ?? []).map((fault) => fault.name);
  for (const [index, fault] of (ci.faults ?? []).entries()) {
    if (names.includes(fault.name)) continue;
    yield at.problem(
      ['ci', 'faults', index, 'name'],
      `the scenario has no fault "${fault.name}"${suggestion(fault.name, names)}`,
    );
  }
  const sizes: readonly Size[] = [
    [['ci', 'nodes'], ci.nodes, source.nodes, source.nodes],
    [
      ['ci', 'load', 'duration'],
      optional(ci.load?.duration, parseDuration),
      optional(source.load.duration, parseDuration),
      source.load.duration,
    ],
    [
      ['ci', 'load', 'rate'],
      optional(ci.load?.rate, parseRate),
      optional(source.load.rate, parseRate),
      source.load.rate,
    ],
    [['ci', 'load', 'count'], ci.load?.count, source.load.count, source.load.count],
    ...(ci.faults ?? []).map((fault, index): Size => {
      const full = source.faults?.find(({ name }) => name === fault.name)?.count;
      return [['ci', 'faults', index, 'count'], fault.count, full, full];
    }),
    [['ci', 'load', 'bursts'], ci.load?.bursts, source.load.bursts, source.load.bursts],
  ];
  for (const [path, small, full, text] of sizes) {
    if (small === undefined || full === undefined || small <= full) continue;
    yield at.problem(path, `\`${path.join('.')}\` is larger than the scenario's own ${text}: \`ci\` may only shrink`);
  }
}

function* criterionNames({ scenario, manifest, alerts, at }: CheckInput): Iterable<Problem> {
  const seen = new Set<string>();
  const faults = scenario.faults.map((fault) => fault.name);
  for (const [index, criterion] of scenario.criteria.entries()) {
    if (!alerts.has(criterion.alert)) {
      const hint = suggestion(criterion.alert, alerts.keys());
      yield at.problem(
        ['criteria', index, 'alert'],
        `no rule of ${manifest.name}, and none that all share, is named "${criterion.alert}"${hint}`,
      );
    }
    if (criterion.during !== undefined && !faults.includes(criterion.during)) {
      const hint = suggestion(criterion.during, faults);
      yield at.problem(['criteria', index, 'during'], `the scenario has no fault "${criterion.during}"${hint}`);
    }
    const key = `${criterion.alert} ${criterion.during ?? ''}`;
    if (seen.has(key))
      yield at.problem(['criteria', index], `a second criterion for ${criterion.alert}: one of them says it all`);
    seen.add(key);
  }
}

function* criterionWindows({ scenario, at }: CheckInput): Iterable<Problem> {
  for (const [index, { expect, during, outside, withinMs }] of scenario.criteria.entries()) {
    const path = ['criteria', index];
    if (outside !== undefined && expect === 'firing') {
      yield at.problem(
        [...path, 'outside'],
        '`outside: faults` goes with `expect: silent`; with `expect: firing` say `during:`',
      );
    }
    if (outside !== undefined && during !== undefined) {
      yield at.problem([...path, 'outside'], '`outside` and `during` exclude each other');
    }
    // Without a fault it is the load that makes it fire, all the time.
    if (expect === 'firing' && during === undefined && scenario.faults.length > 0) {
      yield at.problem(path, '`expect: firing` needs `during:` and the name of the fault that makes it fire');
    }
    if (withinMs !== undefined && expect !== 'firing') {
      yield at.problem([...path, 'within'], '`within` goes with `expect: firing`');
    }
  }
}

/** A rule that compares with an objective which is not exported has no data and could never fire. */
function* criterionObjectives({ scenario, alerts, at }: CheckInput): Iterable<Problem> {
  const exported = Object.entries(scenario.objectives).map(([name, objective]) => objectiveMetricName(name, objective));
  for (const [index, criterion] of scenario.criteria.entries()) {
    for (const metric of alerts.get(criterion.alert)?.metrics ?? []) {
      if (!metric.startsWith('gameday_objective_') || exported.includes(metric)) continue;
      const have =
        exported.length === 0 ? 'the scenario has no objectives' : `the objectives are ${exported.join(', ')}`;
      yield at.problem(['criteria', index, 'alert'], `${criterion.alert} compares with ${metric}: ${have}`);
    }
  }
}

/** A rule without the series that it needs is never decided, however long the run. */
function* judgeable({ scenario, manifest, alerts, at }: CheckInput): Iterable<Problem> {
  for (const [index, criterion] of scenario.criteria.entries()) {
    const alert = alerts.get(criterion.alert);
    const reason = alert && neverJudged(alert.metrics, manifest);
    if (reason !== undefined)
      yield at.problem(['criteria', index, 'alert'], `${criterion.alert} can never be judged: ${reason}`);
  }
}

/** A fault that ends before a rule's `for` has passed cannot make the rule fire, however well everything works. */
function* faultLongEnough(input: CheckInput): Iterable<Problem> {
  const { scenario, source, alerts, at, evaluationIntervalMs } = input;
  for (const criterion of scenario.criteria) {
    const alert = alerts.get(criterion.alert);
    const index = scenario.faults.findIndex((fault) => fault.name === criterion.during);
    const fault = scenario.faults[index];
    if (criterion.expect !== 'firing' || alert === undefined || fault === undefined) continue;
    const needed = (Math.max(alert.forMs - alert.rangeMs, 0) + 2 * evaluationIntervalMs) / (criterion.stretch ?? 1);
    if (fault.healAfterMs < needed) {
      yield at.problem(
        faultPath(source, scenario, index, 'heal_after'),
        `fault "${fault.name}" lasts ${formatDuration(fault.healAfterMs)}${scaleNote(scenario)}: ${alert.name} needs at least ${formatDuration(needed)} to fire`,
      );
    }
  }
}

/** `silent` counts only where the rule could have fired: its range, its `for` and two evaluations must fit. */
function* conclusive({ scenario, alerts, at, evaluationIntervalMs }: CheckInput): Iterable<Problem> {
  for (const [index, criterion] of scenario.criteria.entries()) {
    const alert = alerts.get(criterion.alert);
    if (alert === undefined || criterion.expect !== 'silent') continue;
    const span = (alert.rangeMs + alert.forMs + 2 * evaluationIntervalMs) / (criterion.stretch ?? 1);
    const window = longestWindow(scenario, criterion, span);
    if (window >= span) continue;
    const where = criterion.outside
      ? 'outside the faults'
      : criterion.during
        ? `during ${criterion.during}`
        : 'in the whole run';
    yield at.problem(
      ['criteria', index],
      `${alert.name} cannot conclude${scaleNote(scenario)}: it needs ${formatDuration(span)} and there are ${formatDuration(window)} ${where}`,
      'warning',
    );
  }
}

/** The longest stretch, in ms, in which the criterion counts. */
function longestWindow(scenario: Scenario, criterion: Criterion, spanMs: number): number {
  const end = scenario.load.durationMs + scenario.settleMs;
  const fault = scenario.faults.find((candidate) => candidate.name === criterion.during);
  if (fault !== undefined) return Math.min(fault.healAfterMs + spanMs, end - fault.atMs);
  if (criterion.outside === undefined) return end;
  const gaps = [];
  let from = 0;
  for (const { atMs, healAfterMs } of scenario.faults.flatMap(plannedWindows).sort((a, b) => a.atMs - b.atMs)) {
    gaps.push(atMs - from);
    from = Math.max(from, atMs + healAfterMs + spanMs);
  }
  return Math.max(0, ...gaps, end - from);
}

function scaleNote(scenario: Scenario): string {
  return scenario.timeScale === 1 ? '' : ` at --time-scale ${scenario.timeScale}`;
}

function optional<T>(text: string | undefined, parser: (text: string) => T | undefined): T | undefined {
  return text === undefined ? undefined : parser(text);
}
