/** The rules of a system as the scenario's checks see them. */
import { join } from 'node:path';
import type { AlertShape } from '../scenario/check.ts';
import { needs, parseRules, type RuleSet, readRuleSources, ruleSpan } from '../verdict/rules.ts';

/** Runs scrape and evaluate once a second (`prometheus/prometheus.yml`). */
export const EVALUATION_INTERVAL_MS = 1000;

export async function readRules(root: string, files: readonly string[]): Promise<RuleSet> {
  return parseRules(await readRuleSources(files.map((file) => join(root, file))), EVALUATION_INTERVAL_MS);
}

export function alertShapes(rules: RuleSet): AlertShape[] {
  return [...rules.alerts.values()].map((rule) => ({
    name: rule.name,
    metrics: needs(rule, rules).selectors.flatMap((selector) => selector.name ?? []),
    forMs: rule.forMs,
    rangeMs: ruleSpan(rule, rules),
  }));
}
