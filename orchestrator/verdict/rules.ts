/** The rule files as the judge reads them: alerts, recording rules, and what each needs. */
import { readFile } from 'node:fs/promises';
import { LineCounter, parseDocument } from 'yaml';
import { parseDuration } from './duration.ts';
import { VerdictError } from './errors.ts';
import { evidenceOf } from './evidence.ts';
import { type Expression, parseExpression, type Selector, selectorsOf } from './expression.ts';

export interface RuleGroup {
  /** Unique over all files, the same in the project and in a run's snapshot: `alerts/kv.rules.yml;availability`. */
  readonly key: string;
  readonly intervalMs: number;
}

interface RuleBase {
  readonly name: string;
  readonly expression: Expression;
  /** As written; a group's labels are merged in. */
  readonly labels: Readonly<Record<string, string>>;
  readonly group: RuleGroup;
  /** `alerts/kv.rules.yml:12`, for messages. */
  readonly place: string;
}

export interface RecordingRule extends RuleBase {
  readonly kind: 'recording';
}

export interface AlertingRule extends RuleBase {
  readonly kind: 'alerting';
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly annotations: Readonly<Record<string, string>>;
}

export type Rule = RecordingRule | AlertingRule;

export interface RuleSet {
  /** By name; a name belongs to one rule, since a criterion must mean one. */
  readonly alerts: ReadonlyMap<string, AlertingRule>;
  /** By recorded name; several rules may record under one, with different labels. */
  readonly recordings: ReadonlyMap<string, readonly RecordingRule[]>;
}

/** A rule file's name, as messages show it, and its text. */
export interface RuleSource {
  readonly name: string;
  readonly text: string;
}

export async function readRuleSources(files: readonly string[]): Promise<RuleSource[]> {
  if (files.length === 0)
    throw new VerdictError(
      'RULES_MISSING',
      'no rule files were given: nothing can be judged without alerts/*.rules.yml',
    );
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(file, 'utf8').catch((cause: unknown) => {
        throw new VerdictError('RULES_MISSING', `cannot read the rule file ${file}: ${String(cause)}`, { cause });
      });
      return { name: file, text };
    }),
  );
}

/** Parses rule files. `evaluationIntervalMs` holds for groups without an interval of their own. */
export function parseRules(sources: readonly RuleSource[], evaluationIntervalMs: number): RuleSet {
  const alerts = new Map<string, AlertingRule>();
  const recordings = new Map<string, RecordingRule[]>();
  for (const rule of sources.flatMap((source) => rulesOf(source, evaluationIntervalMs))) {
    if (rule.kind === 'recording') {
      recordings.set(rule.name, [...(recordings.get(rule.name) ?? []), rule]);
      continue;
    }
    const other = alerts.get(rule.name);
    if (other !== undefined) {
      throw new VerdictError(
        'RULES_INVALID',
        `${rule.place}: the alert ${rule.name} is also defined at ${other.place}: a criterion could mean either, so give each a name of its own`,
      );
    }
    alerts.set(rule.name, rule);
  }
  return { alerts, recordings };
}

/** Folder, file and group; the folder because alerts and recording rules of one system have files of the same name. */
export function groupKey(file: string, group: string): string {
  return `${file.split(/[\\/]/).slice(-2).join('/')};${group}`;
}

interface RawRule {
  readonly alert?: unknown;
  readonly record?: unknown;
  readonly expr?: unknown;
  readonly for?: unknown;
  readonly keep_firing_for?: unknown;
  readonly labels?: unknown;
  readonly annotations?: unknown;
}
interface RawGroup {
  readonly name?: unknown;
  readonly interval?: unknown;
  readonly labels?: unknown;
  readonly rules?: unknown;
}

function rulesOf(source: RuleSource, evaluationIntervalMs: number): Rule[] {
  const lines = new LineCounter();
  const document = parseDocument(source.text, { lineCounter: lines });
  const [mistake] = document.errors;
  if (mistake !== undefined) throw new VerdictError('RULES_INVALID', `${source.name}: ${mistake.message}`);
  const content = document.toJS() as { groups?: RawGroup[] } | null;
  const rules: Rule[] = [];
  for (const [g, group] of (content?.groups ?? []).entries()) {
    const intervalMs = milliseconds(
      group.interval,
      evaluationIntervalMs,
      `${source.name}: interval of group ${String(group.name)}`,
    );
    const key = groupKey(source.name, String(group.name));
    for (const [r, raw] of ((group.rules ?? []) as RawRule[]).entries()) {
      const node = document.getIn(['groups', g, 'rules', r], true) as { range?: [number, number, number] } | undefined;
      const place = `${source.name}:${lines.linePos(node?.range?.[0] ?? 0).line}`;
      rules.push(ruleOf(raw, { key, intervalMs }, strings(group.labels), place));
    }
  }
  return rules;
}

function ruleOf(raw: RawRule, group: RuleGroup, groupLabels: Record<string, string>, place: string): Rule {
  const name = raw.alert ?? raw.record;
  if (typeof name !== 'string' || (raw.alert !== undefined && raw.record !== undefined)) {
    throw new VerdictError('RULES_INVALID', `${place}: a rule needs exactly one of \`alert\` and \`record\``);
  }
  const base = {
    name,
    expression: expressionAt(String(raw.expr ?? ''), place, name),
    labels: { ...groupLabels, ...strings(raw.labels) },
    group,
    place,
  };
  if (raw.record !== undefined) return { kind: 'recording', ...base };
  return {
    kind: 'alerting',
    ...base,
    forMs: milliseconds(raw.for, 0, `${place}: \`for\` of ${name}`),
    keepFiringForMs: milliseconds(raw.keep_firing_for, 0, `${place}: \`keep_firing_for\` of ${name}`),
    annotations: strings(raw.annotations),
  };
}

function expressionAt(text: string, place: string, name: string): Expression {
  try {
    return parseExpression(text);
  } catch (error) {
    if (error instanceof VerdictError)
      throw new VerdictError('RULES_INVALID', `${place}: ${name}: ${error.message}`, { cause: error });
    throw error;
  }
}

function strings(value: unknown): Record<string, string> {
  return Object.fromEntries(Object.entries((value ?? {}) as object).map(([key, text]) => [key, String(text)]));
}

function milliseconds(value: unknown, otherwise: number, what: string): number {
  if (value === undefined || value === null) return otherwise;
  const ms = parseDuration(String(value));
  if (ms === null)
    throw new VerdictError('RULES_INVALID', `${what} is \`${String(value)}\`: expected a duration like 30s or 1m30s`);
  return ms;
}

/** The recording rules that the given rule reads, directly or through others, each after those that it reads itself. */
export function dependencies(rule: Rule, rules: RuleSet): RecordingRule[] {
  const ordered: RecordingRule[] = [];
  const visit = (current: Rule, path: readonly Rule[]): void => {
    for (const next of readRecordings(current, rules)) {
      if (path.includes(next)) {
        const cycle = [...path.slice(path.indexOf(next)), next].map((step) => step.name).join(' → ');
        throw new VerdictError('RULES_CYCLE', `${next.place}: recording rules read each other in a circle: ${cycle}`);
      }
      if (ordered.includes(next)) continue;
      visit(next, [...path, next]);
      ordered.push(next);
    }
  };
  visit(rule, [rule]);
  return ordered;
}

function readRecordings(rule: Rule, rules: RuleSet): RecordingRule[] {
  return selectorsOf(rule.expression).flatMap((selector) => [...recordingsRead(selector, rules)]);
}

function recordingsRead(selector: Selector, rules: RuleSet): readonly RecordingRule[] {
  return (selector.name === null ? undefined : rules.recordings.get(selector.name)) ?? [];
}

/**
 * How far into the past the rule looks, in milliseconds: the longest chain of ranges, subqueries and offsets, through the
 * recording rules that it reads. A change in the system is out of its sight after so long.
 */
export function ruleSpan(rule: Rule, rules: RuleSet): number {
  dependencies(rule, rules);
  const spans = selectorsOf(rule.expression).map((selector) => {
    const inner = recordingsRead(selector, rules).map((recording) => ruleSpan(recording, rules));
    return selector.reachMs + Math.max(0, ...inner);
  });
  return Math.max(0, ...spans);
}

/** Shortest time in which a new condition can make the alert fire, and longest after which an ended one lets it rest. DESIGN: verdicts. */
export function reactionTime(rule: AlertingRule, rules: RuleSet): number {
  return ruleSpan(rule, rules) + rule.forMs + 2 * rule.group.intervalMs;
}

export interface Needs {
  /** Selectors that must match something; a recorded name and what it is computed from both count. */
  readonly selectors: readonly Selector[];
  /** Expressions of which each must have a value; see evidence.ts. */
  readonly evidence: readonly string[];
}

/** What must have data before the rule's silence means anything. The rule by which it is derived: docs/adr/0003. */
export function needs(rule: Rule, rules: RuleSet): Needs {
  const found = new Map<string, Selector>();
  const visit = (current: Rule): void => {
    for (const selector of selectorsOf(current.expression)) {
      if (!selector.required) continue;
      found.set(selector.text + selector.range + selector.offset, selector);
      for (const recording of recordingsRead(selector, rules)) visit(recording);
    }
  };
  dependencies(rule, rules);
  visit(rule);
  return { selectors: [...found.values()], evidence: evidenceOf(rule.expression) };
}

/** Refuses what the judge cannot evaluate faithfully after the run. */
export function checkJudgeable(rule: Rule, rules: RuleSet): void {
  for (const current of [...dependencies(rule, rules), rule]) {
    for (const { name, text } of selectorsOf(current.expression)) {
      const because = unjudgeable(name, rules);
      if (because !== null)
        throw new VerdictError(
          'EXPRESSION_UNSUPPORTED',
          `${current.place}: ${current.name} reads \`${text}\`, ${because}`,
        );
    }
  }
}

function unjudgeable(name: string | null, rules: RuleSet): string | null {
  if (name === null) return 'which names no metric, so recorded and judged series would mix: name the metric';
  if (name === 'ALERTS' || name === 'ALERTS_FOR_STATE')
    return 'which depends on alerts that are not evaluated yet: use the expression of that alert';
  if (name.includes(':') && !rules.recordings.has(name))
    return 'which no rule file records: add the recording rule, or its file';
  return null;
}

/** A text that is equal for two rules exactly when they mean the same, with everything they read. */
export function definition(rule: AlertingRule, rules: RuleSet): string {
  const parts = [...dependencies(rule, rules), rule].map((part) => ({
    name: part.name,
    expr: part.expression.text.replaceAll(/\s+/g, ' ').trim(),
    labels: part.labels,
    intervalMs: part.group.intervalMs,
    ...(part.kind === 'alerting' ? { forMs: part.forMs, keepFiringForMs: part.keepFiringForMs } : {}),
  }));
  return JSON.stringify(parts);
}
