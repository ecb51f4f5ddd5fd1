/** The frame that all dashboards share: variables, annotations, links, rows in one order, ids that do not move. */
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  type VariableModel,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { DATASOURCE } from './panels.ts';

/** Every dashboard has its rows in this order, so that the eye finds the same thing in the same place. */
export interface Rows {
  readonly slo: readonly cog.Builder<Panel>[];
  readonly red: readonly cog.Builder<Panel>[];
  readonly own: readonly cog.Builder<Panel>[];
  readonly use: readonly cog.Builder<Panel>[];
  readonly k6: readonly cog.Builder<Panel>[];
  readonly telemetry: readonly cog.Builder<Panel>[];
}

const ROW_TITLES: readonly (readonly [keyof Rows, string])[] = [
  ['slo', 'Verdict and SLO'],
  ['red', 'Rate, errors, duration'],
  ['own', 'The system itself'],
  ['use', 'Utilisation, saturation, errors'],
  ['k6', 'Load generator (k6)'],
  ['telemetry', 'Health of the telemetry'],
];

export interface DashboardOptions {
  /** Stable: alerts and bookmarks link to `/d/<uid>`. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Default of the job variable; a regular expression. */
  readonly job: string;
  readonly rows: Rows;
}

function annotation(name: string, color: string, expr: string, title: string, text: string): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name(name)
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor(color)
    .expr(expr)
    .step('1s')
    .titleFormat(title)
    .textFormat(text)
    .target(new DataqueryBuilder().refId('Anno').expr(expr).datasource(DATASOURCE));
}

function variables(job: string): cog.Builder<VariableModel>[] {
  const everything = { selected: true, text: 'All', value: '$__all' };
  return [
    new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    new QueryVariableBuilder('job')
      .label('Job')
      .datasource(DATASOURCE)
      .query('label_values(up{node!="",job!="gameday"}, job)')
      .refresh(VariableRefresh.OnTimeRangeChanged)
      .multi(true)
      .includeAll(true)
      .allValue(job)
      .current(everything),
    new QueryVariableBuilder('instance')
      .label('Instance')
      .datasource(DATASOURCE)
      .query('label_values(up{job=~"$job"}, instance)')
      .refresh(VariableRefresh.OnTimeRangeChanged)
      .multi(true)
      .includeAll(true)
      .allValue('.+')
      .current(everything),
  ];
}

/** Classic dashboard JSON, as Grafana's file provisioning takes it. */
export function dashboard(o: DashboardOptions): Dashboard {
  const builder = new DashboardBuilder(o.title)
    .uid(o.uid)
    .description(o.description)
    .tags(['gameday'])
    .readonly()
    .time({ from: 'now-15m', to: 'now' })
    .refresh('5s')
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .variables(variables(o.job))
    .annotations([
      annotation('Firing alerts', 'red', 'ALERTS{alertstate="firing"}', '{{alertname}}', '{{severity}} node {{node}}'),
      annotation('Faults', 'orange', 'gameday_fault_active == 1', '{{fault}}', '{{kind}} {{target}}'),
      annotation('Phases', 'blue', 'gameday_phase == 1', '{{phase}}', 'phase of the run'),
    ])
    .link(
      new DashboardLinkBuilder('Gameday')
        .type(DashboardLinkType.Dashboards)
        .tags(['gameday'])
        .asDropdown(false)
        .keepTime(true)
        .includeVars(true),
    );
  for (const [key, title] of ROW_TITLES) {
    if (o.rows[key].length === 0) continue;
    builder.withRow(new RowBuilder(title));
    for (const panel of o.rows[key]) builder.withPanel(panel);
  }
  return numbered(builder.build());
}

/** Ids are positions, so that an unchanged panel keeps its id and the diff of a change is small. */
function numbered(built: Dashboard): Dashboard {
  return { ...built, panels: built.panels?.map((panel, index) => ({ ...panel, id: index + 1 })) };
}
