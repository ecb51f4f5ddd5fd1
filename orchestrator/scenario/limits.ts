/** What a manifest leaves out, and what can then not be judged or done: said before a run, so that nobody takes silence for a proof. */
import type { SystemManifest } from '../../kit/system.ts';

/** An alerting rule and the metrics without which it cannot be decided. */
export interface JudgedRule {
  readonly name: string;
  readonly metrics: readonly string[];
}

/** What only the checkers export, by the field of `checkers` that they ask. */
const CHECKER_RESULTS: Readonly<Record<string, 'readAll' | 'state'>> = {
  gameday_checker_pending: 'readAll',
  gameday_linearizability_violations: 'readAll',
  gameday_acknowledged_writes_lost: 'readAll',
  gameday_state_hashes_distinct: 'state',
};

/** What the orchestrator, k6 and Prometheus itself export; a colon is in the names of recording rules only. */
const NOT_OF_NODES = /^(gameday_|k6_|up$|scrape_)|:/;
/** Exported where nodes are scraped. */
const NODES_EXPECTED = 'gameday_nodes_expected';

const ALERTS_SHOWN = 6;

/** Why a rule that needs these metrics can never be decided for the system; undefined when it may be. */
export function neverJudged(metrics: readonly string[], manifest: SystemManifest): string | undefined {
  const { checkers } = manifest;
  for (const metric of metrics) {
    if (manifest.metrics === undefined && isOfNodes(metric))
      return `it needs ${metric}, and the manifest of ${manifest.name} has no \`metrics\`: its nodes are not scraped`;
    const asked = CHECKER_RESULTS[metric];
    if (asked !== undefined && checkers?.[asked] === undefined)
      return `it needs ${metric}, and the manifest of ${manifest.name} has no \`${checkers === undefined ? 'checkers' : `checkers.${asked}`}\``;
  }
  return undefined;
}

function isOfNodes(metric: string): boolean {
  return metric === NODES_EXPECTED || !NOT_OF_NODES.test(metric);
}

/** One sentence for each thing that the manifest leaves out; empty when everything can be judged. */
export function limitsOf(manifest: SystemManifest, alerts: Iterable<JudgedRule>): string[] {
  const { start, elsewhere, paths, metrics, checkers, roles, faults } = manifest;
  const rules = [...alerts];
  const reading = (isLost: (metric: string) => boolean) =>
    named(rules.filter((rule) => rule.metrics.some(isLost)).map(({ name }) => name));
  const asks = (field: 'readAll' | 'state') => (metric: string) => CHECKER_RESULTS[metric] === field;
  const limits: [boolean, string][] = [
    [start === undefined, whereTheyRun(elsewhere)],
    [
      metrics === undefined,
      `no \`metrics\`: the nodes are not scraped, and rules on them cannot be judged${reading(isOfNodes)}`,
    ],
    [
      paths?.ready === undefined && paths?.health === undefined,
      'no `paths.ready` and no `paths.health`: a node counts as ready when it accepts a TCP connection',
    ],
    [
      paths?.probe === undefined,
      'no `paths.probe`: how long a fault keeps clients from being served is not measured, only when all nodes are ready again',
    ],
    [
      checkers === undefined,
      `no \`checkers\`: linearizability, lost writes and diverged states are not judged${reading((metric) => metric in CHECKER_RESULTS)}`,
    ],
    [
      checkers !== undefined && checkers.state === undefined,
      `no \`checkers.state\`: whether the nodes' states diverge is not judged${reading(asks('state'))}`,
    ],
    [Object.keys(roles ?? {}).length === 0, 'no `roles`: a fault can target `any`, `all` and `node:N` only'],
    [(faults ?? []).length === 0, 'no `faults`: no node can be killed, paused or restarted'],
  ];
  return limits.flatMap(([applies, text]) => (applies ? [text] : []));
}

function whereTheyRun(elsewhere: SystemManifest['elsewhere']): string {
  const urls = elsewhere?.targets.map((target) => (typeof target === 'string' ? target : target.url)) ?? [];
  return urls.length === 0
    ? 'no `start` and no `elsewhere`: nothing can be started, so a run needs `--targets URL,…`'
    : `no \`start\`: the nodes run elsewhere (${urls.join(', ')}), and are not started or stopped`;
}

function named(names: readonly string[]): string {
  if (names.length === 0) return '';
  const more = names.length > ALERTS_SHOWN ? ` and ${names.length - ALERTS_SHOWN} more` : '';
  return ` (${names.slice(0, ALERTS_SHOWN).join(', ')}${more})`;
}
