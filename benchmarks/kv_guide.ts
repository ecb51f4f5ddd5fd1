/**
 * Writes what was measured into `docs/guides/performance.md`: `npx node benchmarks/kv_guide.ts FILE…`, where a file is what
 * `gameday bench kv --json` or `gameday bench kv-memory --json` printed, or the `summary.md` of a profile. Each replaces the part
 * of the guide between the marks `<!-- begin NAME -->` and `<!-- end NAME -->`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { BenchResult, Metric } from './bench.ts';
import { TARGETS, type Target } from './kv/targets.ts';

/** @throws when the guide has no such marks */
export function replacePart(guide: string, name: string, content: string): string {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`];
  const [from, to] = [guide.indexOf(begin), guide.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`the guide has no part between "${begin}" and "${end}"`);
  return `${guide.slice(0, from + begin.length)}\n${content.trim()}\n${guide.slice(to)}`;
}

/** A table of the metrics and a list of the notes, in Markdown. */
export function resultInMarkdown({ metrics, notes }: BenchResult): string {
  const rows = metrics.map((metric) => {
    const { name, value, unit, peer, peer_value, ratio } = metric;
    const beside = peer === null ? '' : `${figure(peer_value!, unit)} (${peer})`;
    const cells = [
      `\`${name}\``,
      figure(value, unit),
      beside,
      ratio === null ? '' : ratio.toFixed(2),
      targetOf(metric),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    ...['| Metric | Store | Beside | Ratio | Target |', '|---|---|---|---|---|', ...rows, ''],
    ...notes.filter((note) => !note.startsWith('target ')).map((note) => `- ${note}`),
  ].join('\n');
}

function targetOf({ name, value, ratio }: Metric): string {
  const target = TARGETS.find(({ metric }) => metric === name);
  if (target === undefined) return '';
  const measured = target.of === 'ratio' ? ratio : value;
  return measured === null ? '' : `${target.of} ${target.is} ${bound(target)}`;
}

function bound({ bound: limit }: Target): string {
  return limit.toLocaleString('en');
}

/** In the unit that a person would choose. */
export function figure(value: number, unit: string): string {
  switch (unit) {
    case 'seconds':
      return value < 0.001
        ? `${(value * 1e6).toFixed(0)} µs`
        : value < 1
          ? `${(value * 1000).toPrecision(3)} ms`
          : `${value.toFixed(2)} s`;
    case 'bytes':
      return `${(value / 1e6).toFixed(1)} MB`;
    case 'bytes/s':
      return `${(value / 1e6).toFixed(1)} MB/s`;
    case 'cores':
      return `${value.toFixed(4)} cores`;
    default:
      return `${Math.round(value).toLocaleString('en')} ${unit}`;
  }
}

/** Of the leader and of the first follower; the other follower is alike. */
export function profilePart(summary: string): string {
  const nodes = summary.split(/^(?=### )/m);
  return [nodes.find((node) => node.includes('the leader')), nodes.find((node) => node.includes('a follower'))]
    .filter((node) => node !== undefined)
    .join('\n');
}

if (import.meta.main) {
  const file = join(import.meta.dirname, '../docs/guides/performance.md');
  let guide = readFileSync(file, 'utf8');
  for (const input of process.argv.slice(2)) {
    const text = readFileSync(input, 'utf8');
    if (basename(input).endsWith('.md')) guide = replacePart(guide, 'profile', profilePart(text));
    else {
      const result = JSON.parse(text) as BenchResult;
      guide = replacePart(guide, result.bench, resultInMarkdown(result));
    }
  }
  writeFileSync(file, guide);
}
