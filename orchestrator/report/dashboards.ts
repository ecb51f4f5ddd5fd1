/** Reads the dashboards that Grafana is given, as far as the report draws them. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';

/** Kinds of panel that the report draws. */
export const DRAWN_KINDS = ['timeseries', 'stat', 'heatmap'] as const;
export type PanelKind = (typeof DRAWN_KINDS)[number];

export interface Target {
  readonly expr: string;
  readonly legend: string;
}

export interface Threshold {
  /** From this value on; null for the first one, which holds from minus infinity. */
  readonly value: number | null;
  readonly color: string;
}

export interface PanelModel {
  readonly title: string;
  readonly description: string;
  readonly kind: PanelKind;
  readonly unit: string;
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
  readonly stacked: boolean;
  readonly steps: boolean;
  /** Which value of the window a stat shows. */
  readonly reduce: 'lastNotNull' | 'max';
  readonly thresholds: readonly Threshold[];
  readonly targets: readonly Target[];
}

export interface DashboardModel {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly PanelModel[] }[];
  /** Panels that the report cannot draw, each in a few words: it says so and drops nothing silently. */
  readonly unsupported: readonly string[];
  /** Values of the dashboard's variables when everything is chosen. */
  readonly variables: Readonly<Record<string, string>>;
}

/** The part of Grafana's classic JSON that is read; everything may be absent in a file from elsewhere. */
interface PanelJson {
  type?: string;
  title?: string;
  description?: string;
  targets?: { expr?: string; legendFormat?: string }[];
  options?: { reduceOptions?: { calcs?: string[] }; yAxis?: { unit?: string } };
  fieldConfig?: {
    defaults?: {
      unit?: string;
      decimals?: number;
      min?: number;
      max?: number;
      thresholds?: { steps?: { value?: number | null; color?: string }[] };
      custom?: { lineInterpolation?: string; stacking?: { mode?: string } };
    };
  };
  panels?: PanelJson[];
}

interface DashboardJson {
  uid?: string;
  title?: string;
  description?: string;
  panels?: PanelJson[];
  templating?: { list?: { name?: string; type?: string; allValue?: string }[] };
}

function isDrawn(kind: string | undefined): kind is PanelKind {
  return DRAWN_KINDS.some((drawn) => drawn === kind);
}

function panelOf(json: PanelJson, kind: PanelKind): PanelModel {
  const defaults = json.fieldConfig?.defaults ?? {};
  return {
    title: json.title ?? 'untitled',
    description: json.description ?? '',
    kind,
    unit: (kind === 'heatmap' ? json.options?.yAxis?.unit : defaults.unit) ?? 'none',
    ...(defaults.decimals === undefined ? {} : { decimals: defaults.decimals }),
    ...(defaults.min === undefined ? {} : { min: defaults.min }),
    ...(defaults.max === undefined ? {} : { max: defaults.max }),
    stacked: defaults.custom?.stacking?.mode === 'normal',
    steps: defaults.custom?.lineInterpolation === 'stepAfter',
    reduce: json.options?.reduceOptions?.calcs?.[0] === 'max' ? 'max' : 'lastNotNull',
    thresholds: (defaults.thresholds?.steps ?? []).map((step) => ({
      value: step.value ?? null,
      color: step.color ?? 'text',
    })),
    targets: (json.targets ?? []).map((target) => ({ expr: target.expr ?? '', legend: target.legendFormat ?? '' })),
  };
}

/** `source` names the file in messages. Throws when it is no dashboard at all. */
export function parseDashboard(text: string, source: string): DashboardModel {
  const json = JSON.parse(text) as DashboardJson;
  if (!Array.isArray(json.panels)) throw new TypeError(`${source} is no Grafana dashboard: it has no list "panels"`);
  const rows: { title: string; panels: PanelModel[] }[] = [];
  const unsupported: string[] = [];
  // The panels of a collapsed row are inside it, those of an open one follow it.
  for (const panel of json.panels.flatMap((entry) => [entry, ...(entry.panels ?? [])])) {
    if (panel.type === 'row') {
      rows.push({ title: panel.title ?? '', panels: [] });
    } else if (isDrawn(panel.type)) {
      if (rows.length === 0) rows.push({ title: '', panels: [] });
      rows.at(-1)?.panels.push(panelOf(panel, panel.type));
    } else {
      unsupported.push(
        `${json.title ?? source}: "${panel.title ?? 'untitled'}" is a ${panel.type ?? 'panel without a type'}`,
      );
    }
  }
  const variables = (json.templating?.list ?? []).filter((variable) => variable.type === 'query');
  return {
    uid: json.uid ?? source,
    title: json.title ?? source,
    description: json.description ?? '',
    rows,
    unsupported,
    variables: Object.fromEntries(variables.map((variable) => [variable.name ?? '', variable.allValue ?? '.+'])),
  };
}

/** The dashboards of the files given, in that order. */
export async function loadDashboards(files: readonly string[]): Promise<DashboardModel[]> {
  return Promise.all(files.map(async (file) => parseDashboard(await readFile(file, 'utf8'), path.basename(file))));
}
