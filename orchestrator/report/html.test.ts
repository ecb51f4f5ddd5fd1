import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { loadDashboards } from './dashboards.ts';
import { renderHtml } from './html.ts';
import type { ReportInput } from './input.ts';
import { parseLoadSummary } from './load-summary.ts';
import { loadAssets, type PageAssets } from './page/assets.ts';
import { committedScript, generatedScript } from './page/generate.ts';
import { collectPanels, type Panels, windowOf } from './panels.ts';
import {
  interruptedRecord,
  K6_SUMMARY,
  RUNBOOKS,
  START,
  SyntheticQueries,
  syntheticRecord,
} from './testdata/synthetic.ts';

const FILES = ['overview', 'kv', 'faults'].map((name) =>
  fileURLToPath(new URL(`../../grafana/dashboards/${name}.json`, import.meta.url)),
);

let assets: PageAssets;
let panels: Panels;
beforeAll(async () => {
  assets = await loadAssets();
  panels = await collectPanels(await loadDashboards(FILES), new SyntheticQueries(), windowOf(START, START + 71_000));
});

function page(input: Partial<ReportInput> = {}): string {
  return renderHtml(
    { record: syntheticRecord('fail'), panels, load: parseLoadSummary(K6_SUMMARY), runbooks: RUNBOOKS, ...input },
    assets,
  );
}

describe("the page's script", () => {
  test('is what browser/*.ts generates (else: node orchestrator/report/page/generate.ts)', () => {
    expect(committedScript()).toBe(generatedScript());
  });

  test('is one script without imports', () => {
    expect(() => new Script(committedScript())).not.toThrow();
    expect(committedScript()).not.toMatch(/^\s*(import|export)\s/m);
  });

  test('has no type errors', () => {
    const root = fileURLToPath(new URL('../../', import.meta.url));
    execFileSync(
      process.execPath,
      [`${root}node_modules/typescript/bin/tsc`, '--noEmit', '-p', `${root}orchestrator/report/browser`],
      { encoding: 'utf8' },
    );
  });
});

describe('the page', () => {
  test('needs nothing from anywhere else', () => {
    const html = page()
      .replace(/<script type="application\/json"[\s\S]*?<\/script>/, '')
      .replace(assets.script, '');
    expect(html).not.toMatch(/<(img|link|iframe|object|embed|form)\b/);
    expect(html).not.toMatch(/(src|srcset|action)=/);
    expect(html).not.toMatch(/@import|url\(/);
  });

  test('runs only the script and style that its policy names', () => {
    const html = page();
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1] ?? '';
    expect(policy).toContain('default-src &#39;none&#39;');
    for (const text of [assets.script, assets.style])
      expect(policy).toContain(createHash('sha256').update(text).digest('base64'));
    expect(html).not.toMatch(/\sstyle="|\son[a-z]+="/);
  });

  test('is small', () => {
    expect(page().length).toBeLessThan(3_000_000);
  });

  test('says the verdict in a word and a symbol, and why', () => {
    const html = page();
    expect(html).toMatch(/<span class="symbol" aria-hidden="true">✘<\/span> <span class="word">FAIL<\/span>/);
    expect(html).toContain('the recovery took 11.4 s, and its objective is 10 s');
  });

  test('links only to the web and to itself', () => {
    for (const [, href = ''] of page().matchAll(/<a [^>]*href="([^"]*)"/g)) {
      expect(href).toMatch(/^(#|https:\/\/)/);
      if (href.startsWith('#')) expect(page()).toContain(`id="${href.slice(1)}"`);
    }
  });

  test('shows the runbook of a failing alert as text', () => {
    const html = page();
    expect(html).toContain('within <code>recovery</code>');
    expect(html).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(html).not.toContain('guides/operations.md');
  });

  test('obeys nothing that came from the run', () => {
    const evil = '</script><script>alert(1)</script><img src=x onerror=alert(1)>';
    const record = syntheticRecord('fail');
    const criteria = (record.verdict?.criteria ?? []).map((criterion) => ({
      ...criterion,
      alert: evil,
      reason: evil,
      expr: evil,
      annotations: { summary: evil },
      faultsActive: [evil],
      firing: [{ from: START, to: START + 1000, peak: 1, labels: { [evil]: evil } }],
    }));
    const poisoned: Panels = {
      ...panels,
      unsupported: [evil],
      dashboards: panels.dashboards.map((dashboard) => ({
        ...dashboard,
        rows: dashboard.rows.map((row) => ({
          title: evil,
          panels: row.panels.map((panel) => ({
            ...panel,
            title: evil,
            errors: [evil],
            queries: [evil],
            series: panel.series.map((series) => ({ ...series, name: evil })),
          })),
        })),
      })),
    };
    const html = page({
      record: {
        ...record,
        error: { code: 'X', message: evil },
        scenario: { ...record.scenario, title: evil },
        verdict: { result: 'fail', reasons: [evil], judgedAt: 0, criteria },
      },
      panels: poisoned,
    });
    expect(html).not.toContain('<img');
    expect(html).not.toContain('<script>alert');
  });

  test('flags what is worse than its objective, whatever the verdict', () => {
    const record = { ...syntheticRecord('pass'), faults: [] };
    const strict = { ...record.scenario, objectives: { write_p99: { unit: 'seconds', value: 0.001 } as const } };
    expect(page({ record: { ...record, scenario: strict } })).toContain('<span class="flag">worse than 1 ms</span>');
    expect(page({ record: { ...record, scenario: { ...strict, objectives: {} } } })).not.toContain('worse than');
  });

  test('does not hold a latency that includes faults against an objective that may leave them out', () => {
    const record = syntheticRecord('pass');
    const strict = { ...record.scenario, objectives: { write_p99: { unit: 'seconds', value: 0.001 } as const } };
    const text = page({ record: { ...record, scenario: strict } });
    expect(text.includes('worse than')).toBe(false);
    expect(text.includes('Write p99, faults included')).toBe(true);
  });

  test('fills the labels that a summary names in, or shows their names', () => {
    const record = syntheticRecord('pass');
    const [first, ...others] = record.verdict?.criteria ?? [];
    const summary = 'Node {{ $labels.instance }} and {{ $labels.nobody }}.';
    const firing = [{ from: START, to: START + 1, labels: { instance: 'n:1' }, peak: null }];
    const criteria = [{ ...first!, annotations: { summary }, firing }, ...others];
    const text = page({ record: { ...record, verdict: { ...record.verdict!, criteria } } });
    expect(text.includes('Node n:1 and ‹nobody›.')).toBe(true);
  });

  test('folds what was met away where something was not', () => {
    const sections = [page(), page({ record: syntheticRecord('pass') })].map(
      (text) => /<details class="met"[^>]*>/.exec(text)?.[0],
    );
    expect(sections).toEqual(['<details class="met">', '<details class="met" open>']);
    expect(page()).toContain('<summary class="met-count">3 criteria met</summary>');
  });

  test('an interrupted run has numbers so far, none of them good', () => {
    const top = (text: string) => text.slice(0, text.indexOf('<main>'));
    expect(top(page({ record: syntheticRecord('pass') }))).toContain('class="tile" data-state="good"');
    const text = top(page({ record: interruptedRecord() }));
    expect(text).toContain('<span class="name">Recovery, so far</span>');
    expect(text).not.toContain('class="tile" data-state="good"');
  });

  test('says what the nodes started from, how far times are stretched and how late an injection was', () => {
    const record = syntheticRecord('pass');
    const criteria = record.verdict!.criteria.map((criterion) => ({ ...criterion, stretch: 60 }));
    const text = page({
      record: {
        ...record,
        startedFrom: { version: '0.1.0', ref: 'v0.1.0' },
        verdict: { ...record.verdict!, criteria },
        faults: record.faults.map((fault) => ({ ...fault, lateMs: 1200 })),
      },
    });
    expect(text).toContain('<span>started from 0.1.0 (v0.1.0)</span>');
    expect(text).toContain('silent, time × 60');
    expect(text).toContain('(1.2 s late)');
  });

  test('names alerts that fired without a criterion', () => {
    const html = page({ record: syntheticRecord('pass') });
    expect(html).toContain('Fired without being a criterion: RecoveryTooSlow.');
  });

  test('says the first line of an error at the top and has the rest at hand', () => {
    const { verdict: _, ...record } = syntheticRecord('fail');
    const html = page({ record: { ...record, error: { code: 'X', message: 'node 1 exited:\n  at line 7' } } });
    expect(html).toContain('<p class="sentence">The run could not be carried through: node 1 exited:</p>');
    expect(html).toContain('<pre>node 1 exited:\n  at line 7</pre>');
  });

  test('of an interrupted run without data still says what was asked for', () => {
    const html = page({ record: interruptedRecord(), panels: null, load: null, runbooks: new Map() });
    expect(html).toContain('NO VERDICT');
    expect(html).toContain('The run was ended by SIGINT before it could be judged.');
    expect(html).toContain('No charts');
    expect(html).toContain('KvStateDivergence: silent');
    expect(html).toMatch(/<li>\w+: firing during leader-kill/);
  });

  test('of an interrupted run with data tells its criteria from other alerts', () => {
    const record = interruptedRecord();
    const html = page({ record });
    const asked = record.scenario.criteria.map(({ alert }) => alert);
    const fired = [...new Set(panels.firing.map(({ alert }) => alert))];
    expect(fired.some((alert) => asked.includes(alert))).toBe(true);
    for (const alert of fired)
      expect([alert, html.includes(`alert: ${alert} (no criterion)`)]).toEqual([alert, !asked.includes(alert)]);
  });
});
