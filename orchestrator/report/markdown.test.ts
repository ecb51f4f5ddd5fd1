import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { loadDashboards } from './dashboards.ts';
import { renderMarkdown } from './markdown.ts';
import { tileText } from './page/tiles.ts';
import { collectPanels, type PanelData, windowOf } from './panels.ts';
import { interruptedRecord, START, SyntheticQueries, syntheticRecord } from './testdata/synthetic.ts';

const rest = { panels: null, load: null, runbooks: new Map<string, string>() };

test('the failing criterion comes first, under the verdict and its reason', () => {
  const text = renderMarkdown({ record: syntheticRecord('fail'), ...rest });
  expect(text.split('\n')[0]).toBe('### ❌ FAIL: The leader is killed in the middle of a steady load');
  const rows = text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| Result'));
  expect(rows.map((row) => row.split('|')[2]?.trim())).toEqual([
    'RecoveryTooSlow',
    'FollowerLag',
    'KvNoLeader',
    'KvStateDivergence',
    'AvailabilityBelowObjective',
  ]);
  expect(text).toContain(
    '- leader-kill: kill leader (node 0) at +0:25, service back after 1.2 s, all nodes ready 1.4 s after the heal',
  );
});

test('an interrupted run says so, and claims no recovery that nobody saw', () => {
  const text = renderMarkdown({ record: interruptedRecord(), ...rest });
  expect(text).toContain('service not seen to be back, not all nodes seen to be ready again');
  const recovery = {
    title: 'Recovery',
    unit: 's',
    reduce: 'max',
    thresholds: [],
    series: [{ name: '', values: [0, 0] }],
  };
  expect(tileText(recovery as unknown as PanelData, interruptedRecord())).toBe('not seen');
  expect(tileText(recovery as unknown as PanelData, syntheticRecord('pass'))).toBe('0 s');
  expect(text).toContain('NO VERDICT');
  expect(text).toContain('The run was ended by SIGINT before it could be judged.');
});

test('a latency over the whole load says that the faults are in it', async () => {
  const file = fileURLToPath(new URL('../../grafana/dashboards/overview.json', import.meta.url));
  const window = windowOf(START, START + 71_000);
  const panels = await collectPanels(await loadDashboards([file]), new SyntheticQueries(), window);
  const record = syntheticRecord('pass');
  expect(renderMarkdown({ ...rest, record, panels })).toContain('Write p99, faults included **');
  expect(renderMarkdown({ ...rest, record: { ...record, faults: [] }, panels })).toContain('Write p99 **');
});

test('text from a run cannot break the table, mention a person or bring HTML', () => {
  const record = syntheticRecord('fail');
  const criteria =
    record.verdict?.criteria.map((criterion) => ({
      ...criterion,
      reason: 'a | b\n<script> @somebody [x](http://y)',
    })) ?? [];
  const text = renderMarkdown({
    record: { ...record, verdict: { result: 'fail', reasons: [], judgedAt: 0, criteria } },
    ...rest,
  });
  expect(text).toContain('a \\| b &lt;script&gt; &#64;somebody \\[x\\](http://y)');
  expect(text).not.toContain('<script>');
  expect(text).not.toContain('@somebody');
});
