/** The rules of a system as the scenario's checks see them. */
import { resolve } from 'node:path';
import type { AlertShape } from '../scenario/check.ts';
import { needs, parseRules, type RuleSet, type RuleSource, readRuleSources, ruleSpan } from '../verdict/rules.ts';

/** Runs scrape and evaluate once a second (`prometheus/prometheus.yml`). */
export const EVALUATION_INTERVAL_MS = 1000;

/** @param files absolute, or relative to the root; `more` are rules that are in no file */
export async function readRules(
  root: string,
  files: readonly string[],
  more: readonly RuleSource[] = [],
): Promise<RuleSet> {
  const sources = await readRuleSources(files.map((file) => resolve(root, file)));
  return parseRules([...sources, ...more], EVALUATION_INTERVAL_MS);
}

export function alertShapes(rules: RuleSet): AlertShape[] {
  return [...rules.alerts.values()].map((rule) => ({
    name: rule.name,
    metrics: needs(rule, rules).selectors.flatMap((selector) => selector.name ?? []),
    forMs: rule.forMs,
    rangeMs: ruleSpan(rule, rules),
  }));
}
