/** A system's metrics under the names that shared rules use: `metrics.series` of its manifest as recording rules. */
import { stringify } from 'yaml';
import type { SystemManifest } from '../../kit/system.ts';
import type { RuleSource } from '../verdict/rules.ts';

/** The last two parts name the rules' group, in a run directory as in a check. */
export const SERIES_FILE = 'recording/metrics.series.rules.yml';

/** One rule file, or none where nothing is mapped. */
export function seriesRules({ metrics }: Pick<SystemManifest, 'metrics'>): RuleSource[] {
  const rules = Object.entries(metrics?.series ?? {}).map(([record, expr]) => ({ record, expr }));
  return rules.length === 0 ? [] : [{ name: SERIES_FILE, text: stringify({ groups: [{ name: 'series', rules }] }) }];
}
