import { describe, expect, test } from '@jest/globals';
import type { CheckersRecord, Operation, Violation } from '../checkers/types.ts';
import { FINAL_READER } from '../run/record.ts';
import { renderHtml } from './html.ts';
import { renderMarkdown } from './markdown.ts';
import { loadAssets } from './page/assets.ts';
import { drawViolation } from './page/violation.ts';
import { syntheticRecord } from './testdata/synthetic.ts';
import { describeViolation } from './violation.ts';

const common = { key: 'k', outcome: 'ok', node: 0 } as const;
const window: readonly Operation[] = [
  { ...common, process: 1, operation: 'update', value: 'b', start: 1000, end: null, outcome: 'unknown' },
  { ...common, process: 2, operation: 'read', value: 'b', start: 1002, end: 1010 },
  { ...common, process: 1, operation: 'read', value: 'a', start: 1020, end: 1021, node: 2 },
];
const violation: Violation = { key: 'k', reason: 'it went back', window, impossible: 2, before: 'anything' };

describe('describeViolation', () => {
  test('is a table with a line of time', () => {
    expect(describeViolation(violation).split('\n')).toEqual([
      'entry k: it went back',
      '    process  node  operation                     from     to',
      '    1        0     update "b", outcome unknown   0 ms  never  ├───────────────→',
      '    2        0     read "b"                      2 ms  10 ms     ├──┤',
      '  ✘ 1        2     read "a"                     20 ms  21 ms           ├──┤',
      '    Before them the entry may have held anything.',
    ]);
  });

  test("names the orchestrator's own reads", () => {
    const final = window.map((operation) => ({ ...operation, process: FINAL_READER }));
    expect(describeViolation({ ...violation, window: final })).toMatch(/✘ final +2 /);
    expect(drawViolation({ ...violation, window: final })).toContain('>final reader</text>');
  });

  test('shortens long values', () => {
    const long = window.map((operation) => ({ ...operation, value: 'x'.repeat(1000) }));
    expect(describeViolation({ ...violation, window: long })).toContain('read "xxxxxxxxxxxx…xxxxxxxxxxx"');
  });
});

describe('drawViolation', () => {
  test('has a lane a process, a bar an operation, and one impossible bar', () => {
    const svg = drawViolation(violation);
    expect(svg.match(/class="process"/g)).toHaveLength(2);
    expect(svg.match(/<rect class="(\w+)/g)).toEqual([
      '<rect class="write',
      '<rect class="impossible',
      '<rect class="observation',
    ]);
    expect(svg).toContain('class="write open"');
    expect(svg).toContain('✘ read &quot;a&quot;');
    expect(svg).toMatch(/^<svg role="img" aria-label="it went back\. process 1: update &quot;b&quot;/);
  });

  test('keeps every bar and the order of the moments inside', () => {
    const svg = drawViolation(violation);
    const bars = [...svg.matchAll(/<rect [^>]*? x="(\d+)" [^>]*?width="(\d+)"/g)].map(([, x, width]) => ({
      x: Number(x),
      end: Number(x) + Number(width),
    }));
    expect(bars).toHaveLength(3);
    for (const { end } of bars) expect(end).toBeLessThanOrEqual(960);
    const [open, impossible, observation] = bars;
    expect(open!.end).toBe(960);
    expect(open!.x).toBeLessThan(observation!.x);
    expect(observation!.end).toBeLessThan(impossible!.x);
  });
});

describe('in the reports', () => {
  const evil = '</text><script>alert(1)</script>\n- [x](http://y) @somebody';
  const poisoned: Violation = {
    ...violation,
    key: evil,
    reason: evil,
    window: window.map((operation) => ({ ...operation, value: evil })),
  };
  const checkers: CheckersRecord = {
    history: { operations: 3, files: 1, truncatedLines: 0, clockSteps: [] },
    linearizability: {
      linearizable: false,
      reason: null,
      operations: 3,
      keys: 1,
      seconds: 0.01,
      violatingKeys: 12,
      violations: [violation, poisoned],
    },
    durability: {
      durable: false,
      reason: null,
      writes: 9,
      keys: 1,
      seconds: 0,
      lostWrites: 1,
      lost: [{ operation: window[0]!, found: null, reason: `lost ${evil}` }],
    },
    states: null,
  };
  const record = { ...syntheticRecord('fail'), checkers: { ...checkers, problems: { states: 'node 2 is away' } } };
  const rest = { panels: null, load: null, runbooks: new Map<string, string>() };

  test('the page draws what was found and says what was not', async () => {
    const html = renderHtml({ record, ...rest }, await loadAssets());
    expect(html.match(/<figure class="violation">/g)).toHaveLength(2);
    expect(html).toContain('… and 10 more entries.');
    expect(html).toContain('9 acknowledged writes on 1 entries, 1 lost');
    expect(html).toMatch(/inconclusive<\/span><\/td><th scope="row">Equal states<\/th><td>node 2 is away/);
    expect(html).toContain('<a href="#checkers">Correctness</a>');
    expect(html).not.toContain('<script>alert');
  });

  test('a run without checkers has no such section', async () => {
    expect(renderHtml({ record: syntheticRecord('pass'), ...rest }, await loadAssets())).not.toContain('checkers');
  });

  test('Markdown has the table as it is, and nothing in it is more than text', () => {
    const text = renderMarkdown({ record, ...rest });
    expect(text).toContain('- ❌ Linearizability: 3 operations on 1 entries, 12 not linearizable');
    expect(text).toContain('- ⚠️ Equal states: node 2 is away');
    expect(text).toContain('      ✘ 1        2     read "a"                     20 ms  21 ms           ├──┤');
    const outside = text.split('\n').filter((line) => !line.startsWith('    '));
    expect(outside.join('\n')).not.toMatch(/<script>|@somebody|\[x\]\(/);
  });
});
