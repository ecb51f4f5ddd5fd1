/** Sets of moments as ordered, disjoint stretches [from, to). */
import type { Span } from './types.ts';

export function lengthOf(span: Span): number {
  return Math.max(0, span.to - span.from);
}

/** Sorts and merges what overlaps or touches; empty stretches vanish. */
export function union(spans: readonly Span[]): Span[] {
  const merged: { from: number; to: number }[] = [];
  for (const { from, to } of [...spans].filter((span) => span.to > span.from).sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

export function intersect(left: readonly Span[], right: readonly Span[]): Span[] {
  return union(left.flatMap((a) => right.map((b) => ({ from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) }))));
}

export function subtract(whole: readonly Span[], holes: readonly Span[]): Span[] {
  let rest = union(whole);
  for (const hole of holes) {
    rest = rest.flatMap((span) => {
      if (hole.to <= span.from || span.to <= hole.from) return [span];
      const pieces = [
        { from: span.from, to: hole.from },
        { from: hole.to, to: span.to },
      ];
      return pieces.filter((piece) => piece.to > piece.from);
    });
  }
  return rest;
}

export function longest(spans: readonly Span[]): Span {
  return spans.reduce((best, span) => (lengthOf(span) > lengthOf(best) ? span : best), { from: 0, to: 0 });
}

/** The stretches in which samples follow each other by at most one step; each sample stands for the step after it. */
export function spansOfSamples(times: readonly number[], stepMs: number): Span[] {
  return union(times.map((time) => ({ from: time, to: time + stepMs })));
}
