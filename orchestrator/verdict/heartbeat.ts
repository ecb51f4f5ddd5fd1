/**
 * A recording rule in every group that says "this group was evaluated now". It shows when each group was evaluated, to the millisecond, and
 * which evaluations are missing; ALERTS cannot, since a silent alert leaves nothing behind.
 */
import { isMap, isSeq, parseDocument } from 'yaml';
import type { PromApi } from './api.ts';
import { groupKey } from './rules.ts';
import { union } from './spans.ts';
import type { Span } from './types.ts';

const HEARTBEAT = 'gameday:rule_group_evaluation:timestamp';

/** The rule file with the heartbeat at the end of each group. `file` is its path; only its last two parts matter. */
export function withHeartbeats(text: string, file: string): string {
  const document = parseDocument(text);
  const groups = document.get('groups');
  if (!isSeq(groups)) return text;
  for (const group of groups.items) {
    if (!isMap(group)) continue;
    const rule = {
      record: HEARTBEAT,
      expr: 'vector(time())',
      labels: { rule_group: groupKey(file, String(group.get('name'))) },
    };
    const rules = group.get('rules');
    if (isSeq(rules)) rules.add(document.createNode(rule));
    else group.set('rules', document.createNode([rule]));
  }
  return document.toString();
}

/** Times of evaluation by group key, epoch milliseconds, ascending. They are query times: what `rule_query_offset` shifts is shifted in them. */
export type Heartbeats = ReadonlyMap<string, readonly number[]>;

export async function readHeartbeats(api: PromApi, fromMs: number, toMs: number): Promise<Heartbeats> {
  const series = await api.samples(HEARTBEAT, toMs, toMs - fromMs);
  return new Map(series.map(({ labels, points }) => [labels.rule_group ?? '', points.map(([time]) => time)]));
}

/**
 * Stretches of the window without evaluations that should have been. At the end two intervals are allowed, since the last evaluation may still have been
 * under way when Prometheus stopped.
 */
export function missedEvaluations(times: readonly number[], window: Span, stepMs: number): Span[] {
  const missed: Span[] = [];
  let previous = window.from - stepMs;
  for (const time of times) {
    if (time > window.to) break;
    if (time - previous > 1.5 * stepMs && time > window.from + stepMs)
      missed.push({ from: Math.max(previous + stepMs, window.from), to: time });
    previous = Math.max(previous, time);
  }
  if (window.to - previous > 3 * stepMs) missed.push({ from: previous + stepMs, to: window.to });
  return union(missed);
}
