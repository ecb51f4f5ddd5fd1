/** What clients and the checkers of histories have found: the same on every dashboard. */
import { stat } from './panels.ts';
import { orZero } from './queries.ts';

/** @param width of each panel, in the 24 columns of a row */
export function violations(width: number) {
  return [
    stat({
      title: 'Entries not linearizable',
      description: 'Entries whose operations no order explains. Nothing is shown before the checker has concluded.',
      unit: 'none',
      width,
      query: { expr: 'max(gameday_linearizability_violations)', legend: 'entries' },
      red: { above: 1 },
    }),
    stat({
      title: 'Acknowledged writes lost',
      description: 'Of the acknowledged writes, those of which nothing was left after the load.',
      unit: 'none',
      width,
      query: { expr: 'max(gameday_acknowledged_writes_lost)', legend: 'writes' },
      red: { above: 1 },
    }),
  ];
}

export function staleReads() {
  return stat({
    title: 'Stale reads',
    description: 'Linearizable reads that missed an acknowledged write, as the client counts. Must be 0.',
    unit: 'none',
    reduce: 'max',
    query: { expr: orZero('sum(k6_stale_reads_total)'), legend: 'reads' },
    red: { above: 1 },
  });
}
