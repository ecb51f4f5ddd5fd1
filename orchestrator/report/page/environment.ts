/** Where and with what the run was made, and what to type next. */
import type { RemoteWriteRecord } from '../../run/record.ts';
import { formatInstant, formatValue } from '../format.ts';
import { type ReportInput, startedFromText } from '../input.ts';
import { html, type Markup } from '../markup.ts';

function copyText({ url, sent, missing, reason }: RemoteWriteRecord): string {
  return `${sent} samples at ${url}, with run_id${missing === 0 ? '' : `; ${missing} are missing: ${reason}`}`;
}

export function renderEnvironment({ record }: ReportInput): Markup {
  const { runtime } = record;
  const facts: (readonly [string, string])[] = [
    ['Run', record.id],
    ['Scenario file', record.scenarioPath],
    ['Seed', String(record.seed)],
    ['Gameday', record.gamedayVersion],
    ['Node.js', runtime.node],
    ...Object.entries(record.tools),
    ['Machine', `${runtime.platform}, ${runtime.cpus} CPUs, ${formatValue(runtime.memoryBytes, 'bytes')} memory`],
    ...(record.startedFrom === undefined ? [] : [['Nodes', startedFromText(record) || ''] as const]),
    ...record.nodes.map(
      (node) =>
        [
          `Node ${node.index}`,
          `${node.url}${node.pid === undefined ? ', elsewhere' : `, process ${node.pid}, log ${node.log}`}`,
        ] as const,
    ),
    ...(record.release === undefined ? [] : [['Release', record.release] as const]),
    ...(record.limits ?? []).map((limit) => ['Not judged', limit] as const),
    ...(record.remoteWrite === undefined ? [] : [['Copy', copyText(record.remoteWrite)] as const]),
    ...(record.verdict === undefined ? [] : [['Judged', formatInstant(record.verdict.judgedAt)] as const]),
  ];
  return html`<section id="environment"><h2>Environment</h2><dl class="environment">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>
<h3>What next</h3><dl class="commands"><dt>Judge it again from the stored data</dt><dd><code>npx gameday recheck ${record.id}</code></dd><dt>Query the stored data, with Grafana where there is one</dt><dd><code>npx gameday open ${record.id}</code></dd>${record.observed === undefined && html`<dt>Run it again with the same seed</dt><dd><code>npx gameday run ${record.scenarioPath}${record.manifestFile === undefined ? '' : ` --system ${record.manifestFile}`} --seed ${record.seed}</code></dd>`}</dl></section>`;
}
