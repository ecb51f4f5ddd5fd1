/** The rules of a system as a Prometheus in production takes them: objectives written in, without what means something inside a run only. */
import { parseDocument } from 'yaml';
import { withConstants } from './constants.ts';
import { parseDuration } from './duration.ts';
import { VerdictError } from './errors.ts';
import { parseExpression, selectorsOf } from './expression.ts';
import type { RuleSource } from './rules.ts';

export interface ExportedRule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ExportedGroup {
  readonly name: string;
  readonly interval?: string;
  readonly limit?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly rules: readonly ExportedRule[];
}

export interface LeftOut {
  readonly name: string;
  readonly kind: 'alert' | 'recording rule';
  /** Half a sentence: `it reads k6_operations_total, which only a run has`. */
  readonly because: string;
}

export interface Export {
  readonly groups: readonly ExportedGroup[];
  readonly leftOut: readonly LeftOut[];
  /** Names of metrics of objectives that are needed and have no value, each with the rules that read it. */
  readonly missing: ReadonlyMap<string, readonly string[]>;
  /** Names of all metrics of objectives that any rule reads, exported or left out. */
  readonly objectives: ReadonlySet<string>;
  /** The shortest range, in milliseconds, and the rule that reads it; null when there is none. Prometheus must scrape four times in it. */
  readonly shortest: { readonly rule: string; readonly rangeMs: number } | null;
}

export interface ExportOptions {
  /** Values by the name of the metric that tells a run: `gameday_objective_write_p99_seconds`. */
  readonly objectives: ReadonlyMap<string, number>;
  /** In place of `{{ $externalLabels.runbook_base }}` and `…dashboard_base`; the templates stay when absent. */
  readonly runbookBase?: string;
  readonly dashboardBase?: string;
}

const OBJECTIVE = 'gameday_objective_';
/** What the orchestrator and k6 export, the label by which runs are told apart, and what the orchestrator makes of its alerts. */
const OF_A_RUN = /^(?:gameday_|k6_)/;
/** Annotations that Gameday reads and nobody on call. */
const OWN_ANNOTATIONS = new Set(['drill', 'stays']);

interface Group extends Omit<ExportedGroup, 'rules'> {
  readonly rules: readonly Candidate[];
}

interface Candidate {
  readonly rule: ExportedRule;
  readonly name: string;
  readonly metrics: readonly string[];
  /** Those of them without which the rule means nothing: not one that has a default value, `objective or vector(0.01)`. */
  readonly required: ReadonlySet<string>;
}

/**
 * Throws VerdictError RULES_INVALID, EXPRESSION_INVALID.
 * @param mapped rules that give a system's metrics other names: of use where an exported rule reads those, and elsewhere in the way of what has them
 */
export function exportRules(
  sources: readonly RuleSource[],
  options: ExportOptions,
  mapped: readonly RuleSource[] = [],
): Export {
  const mappings = mapped.flatMap(groupsOf);
  const all = [...sources.flatMap(groupsOf), ...mappings];
  const leftOut = new Map<Candidate, string>();
  const recordings = recordingsOf(all);
  // Leaving one out may leave those without anything to read that read it.
  for (let before = -1; before !== leftOut.size; ) {
    before = leftOut.size;
    for (const candidate of all.flatMap(({ rules }) => rules)) {
      if (leftOut.has(candidate)) continue;
      const because = ofARun(candidate, recordings, leftOut);
      if (because !== null) leftOut.set(candidate, because);
    }
    const read = new Set(all.flatMap(({ rules }) => rules.flatMap((rule) => (leftOut.has(rule) ? [] : rule.metrics))));
    for (const mapping of mappings.flatMap(({ rules }) => rules))
      if (!leftOut.has(mapping) && !read.has(mapping.name)) leftOut.set(mapping, 'no rule that is exported reads it');
  }
  const kept = all
    .map((group) => ({ ...group, rules: inOrder(group.rules.filter((candidate) => !leftOut.has(candidate))) }))
    .filter(({ rules }) => rules.length > 0);
  return {
    groups: groupsInOrder(kept).map((group) => ({ ...group, rules: group.rules.map((one) => exported(one, options)) })),
    leftOut: [...leftOut].map(([{ rule, name }, because]) => ({
      name: shown(rule, name),
      because,
      kind: kindOf(rule),
    })),
    missing: missingObjectives(kept, options.objectives),
    objectives: new Set(all.flatMap(({ rules }) => rules.flatMap(({ metrics }) => metrics)).filter(isObjective)),
    shortest: shortestRange(kept),
  };
}

/** Recording rules of one name are told apart by the labels that they add. */
function shown({ record, labels = {} }: ExportedRule, name: string): string {
  const added = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return record === undefined || added.length === 0 ? name : `${name}{${added.join(', ')}}`;
}

function kindOf({ record }: ExportedRule): LeftOut['kind'] {
  return record === undefined ? 'alert' : 'recording rule';
}

function isObjective(metric: string): boolean {
  return metric.startsWith(OBJECTIVE);
}

function groupsOf({ name, text }: RuleSource): Group[] {
  const document = parseDocument(text);
  const [mistake] = document.errors;
  if (mistake !== undefined) throw new VerdictError('RULES_INVALID', `${name}: ${mistake.message}`);
  const groups = ((document.toJS() as { groups?: ExportedGroup[] } | null)?.groups ?? []) as ExportedGroup[];
  return groups.map((group) => ({
    ...group,
    rules: (group.rules ?? []).map((rule) => {
      const selectors = selectorsOf(parseExpression(rule.expr));
      return {
        rule: { ...rule, expr: rule.expr.trim() },
        name: rule.alert ?? rule.record ?? '',
        metrics: [...new Set(selectors.flatMap((selector) => selector.name ?? []))],
        required: new Set(selectors.flatMap((selector) => (selector.required ? (selector.name ?? []) : []))),
      };
    }),
  }));
}

function recordingsOf(groups: readonly Group[]): ReadonlyMap<string, readonly Candidate[]> {
  const recordings = new Map<string, Candidate[]>();
  for (const candidate of groups.flatMap(({ rules }) => rules)) {
    if (candidate.rule.record === undefined) continue;
    recordings.set(candidate.name, [...(recordings.get(candidate.name) ?? []), candidate]);
  }
  return recordings;
}

/** Why the rule means nothing outside a run; null when it does. */
function ofARun(
  { rule, metrics }: Candidate,
  recordings: ReadonlyMap<string, readonly Candidate[]>,
  leftOut: ReadonlyMap<Candidate, string>,
): string | null {
  for (const metric of metrics) {
    if (isObjective(metric)) continue;
    // One name may have several rules: what is left of them is read.
    const computed = recordings.get(metric);
    if (computed?.every((candidate) => leftOut.has(candidate)))
      return `it reads ${metric}, which is left out: ${leftOut.get(computed[0]!)}`;
    if (computed === undefined && OF_A_RUN.test(metric)) return `it reads ${metric}, which only a run has`;
  }
  return /\brun_id\b/.test(rule.expr) ? 'it tells runs apart by the label run_id' : null;
}

/** Each rule after those of the list that it reads; otherwise as they were. */
function inOrder(rules: readonly Candidate[]): Candidate[] {
  return ordered(rules, (candidate) =>
    rules.filter(
      (other) => other !== candidate && other.rule.record !== undefined && candidate.metrics.includes(other.name),
    ),
  );
}

/** Groups are evaluated each for itself, but whoever reads the file from the top finds what is computed before what reads it. */
function groupsInOrder(groups: readonly Group[]): Group[] {
  return ordered(groups, (group) => {
    const metrics = new Set(group.rules.flatMap((candidate) => candidate.metrics));
    return groups.filter(
      (other) =>
        other !== group && other.rules.some(({ rule, name }) => rule.record !== undefined && metrics.has(name)),
    );
  });
}

function ordered<T>(items: readonly T[], before: (item: T) => readonly T[]): T[] {
  const result = new Set<T>();
  const visiting = new Set<T>();
  const visit = (item: T): void => {
    if (result.has(item) || visiting.has(item)) return;
    visiting.add(item);
    for (const other of before(item)) visit(other);
    result.add(item);
  };
  for (const item of items) visit(item);
  return [...result];
}

function missingObjectives(
  groups: readonly Group[],
  values: ReadonlyMap<string, number>,
): ReadonlyMap<string, readonly string[]> {
  const missing = new Map<string, string[]>();
  for (const { name, required } of groups.flatMap(({ rules }) => rules))
    for (const metric of [...required].filter((one) => isObjective(one) && !values.has(one)))
      missing.set(metric, [...(missing.get(metric) ?? []), name]);
  return missing;
}

function exported({ rule }: Candidate, options: ExportOptions): ExportedRule {
  const { annotations, ...rest } = rule;
  const expr = withConstants(parseExpression(rule.expr), (name) => options.objectives.get(name) ?? null);
  if (annotations === undefined) return { ...rest, expr };
  const shown = Object.entries(annotations)
    .filter(([name]) => !OWN_ANNOTATIONS.has(name))
    .map(([name, text]) => [name, withBases(text, options)] as const);
  return { ...rest, expr, annotations: Object.fromEntries(shown) };
}

function withBases(text: string, { runbookBase, dashboardBase }: ExportOptions): string {
  const bases = { runbook_base: runbookBase, dashboard_base: dashboardBase };
  return Object.entries(bases).reduce(
    (before, [label, base]) =>
      base === undefined
        ? before
        : before.replaceAll(new RegExp(`\\{\\{\\s*\\$externalLabels\\.${label}\\s*\\}\\}`, 'g'), () => base),
    text,
  );
}

function shortestRange(groups: readonly Group[]): Export['shortest'] {
  const ranges = groups.flatMap(({ rules }) =>
    rules.flatMap(({ name, rule }) =>
      selectorsOf(parseExpression(rule.expr)).flatMap(({ range }) => {
        const rangeMs = range === '' ? null : parseDuration(range.slice(1, -1).replaceAll(/\s/g, ''));
        return rangeMs === null ? [] : [{ rule: name, rangeMs }];
      }),
    ),
  );
  return ranges.reduce<Export['shortest']>(
    (best, range) => (best === null || range.rangeMs < best.rangeMs ? range : best),
    null,
  );
}
