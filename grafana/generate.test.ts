import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { describe, expect, test } from '@jest/globals';
import { DASHBOARDS, stale } from './generate.ts';

const ROW_ORDER = [
  'Verdict and SLO',
  'Rate, errors, duration',
  'The system itself',
  'Utilisation, saturation, errors',
  'Load generator (k6)',
  'Health of the telemetry',
];

/** The panels of a dashboard without its row headings. */
function panelsOf(dashboard: Dashboard): Panel[] {
  return (dashboard.panels ?? []).filter((panel): panel is Panel => panel.type !== 'row');
}

test('the committed JSON is what the TypeScript generates (else: node grafana/generate.ts)', () => {
  expect(stale()).toEqual([]);
});

describe.each(Object.entries(DASHBOARDS))('%s', (name, dashboard) => {
  test('has a stable uid and is found by its tag', () => {
    expect(dashboard.uid).toBe(`gameday-${name}`);
    expect(dashboard.tags).toContain('gameday');
  });

  test('lets data source, job and instance be chosen', () => {
    expect(dashboard.templating?.list?.map((variable) => variable.name)).toEqual(['datasource', 'job', 'instance']);
  });

  test('marks firing alerts, faults and phases', () => {
    expect(dashboard.annotations?.list?.map((annotation) => annotation.name)).toEqual([
      'Firing alerts',
      'Faults',
      'Phases',
    ]);
  });

  test('has its rows in the common order', () => {
    const rows = (dashboard.panels ?? []).filter((panel) => panel.type === 'row').map((row) => row.title ?? '');
    expect(rows).toEqual(ROW_ORDER.filter((title) => rows.includes(title)));
    expect(rows[0]).toBe('Verdict and SLO');
  });

  test('numbers its panels without a repeat', () => {
    const ids = (dashboard.panels ?? []).map((panel) => panel.id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test.each(panelsOf(dashboard).map((panel) => [panel.title, panel] as const))(
    'panel "%s" explains itself',
    (_, panel) => {
      expect(['timeseries', 'stat', 'heatmap']).toContain(panel.type);
      expect(panel.title).toBeTruthy();
      expect(panel.description).toMatch(/\.$/);
      expect(panel.fieldConfig?.defaults.unit).toBeTruthy();
      expect(panel.targets?.length).toBeGreaterThan(0);
    },
  );

  test('names a panel once', () => {
    const titles = panelsOf(dashboard).map((panel) => panel.title);
    expect(new Set(titles).size).toBe(titles.length);
  });

  test('sees every rate through $__rate_interval or the whole window', () => {
    const ranges = JSON.stringify(panelsOf(dashboard)).matchAll(/\[([^\]"{]*)\]\)/g);
    for (const [, range] of ranges) expect(['$__rate_interval', '$__range']).toContain(range);
  });
});
