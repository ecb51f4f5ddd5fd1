/** Writes example reports for looking at them: `node orchestrator/report/testdata/render.ts <directory>`. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadDashboards } from '../dashboards.ts';
import { renderHtml } from '../html.ts';
import { type ReportInput, shownWindowOf } from '../input.ts';
import { parseLoadSummary } from '../load-summary.ts';
import { loadAssets } from '../page/assets.ts';
import { collectPanels, windowOf } from '../panels.ts';
import { interruptedRecord, K6_SUMMARY, RUNBOOKS, SyntheticQueries, syntheticRecord } from './synthetic.ts';

const directory = process.argv[2] ?? '.';
mkdirSync(directory, { recursive: true });
const dashboards = await loadDashboards(
  ['overview', 'kv', 'faults'].map((name) => fileURLToPath(new URL(`../../../grafana/dashboards/${name}.json`, import.meta.url))),
);
const assets = await loadAssets();
const records = { pass: syntheticRecord('pass'), fail: syntheticRecord('fail'), inconclusive: syntheticRecord('inconclusive'), partial: interruptedRecord() };
for (const [name, record] of Object.entries(records)) {
  const window = shownWindowOf(record);
  const panels = name === 'partial' ? null : await collectPanels(dashboards, new SyntheticQueries(), windowOf(window.from, window.to));
  const input: ReportInput = { record, panels, load: name === 'partial' ? null : parseLoadSummary(K6_SUMMARY), runbooks: RUNBOOKS };
  writeFileSync(`${directory}/${name}.html`, renderHtml(input, assets));
}
