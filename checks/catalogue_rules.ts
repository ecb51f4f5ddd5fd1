/** What a system's manifest and an alert owe: pure functions over what was read, so that each can be seen failing. */
import { systemOf } from './selection.ts';

export interface AlertRule {
  readonly alert: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** A scenario under `scenarios/<system>/drills/`. */
export interface DrillScenario {
  /** As the annotation `drill` has it: `kv/drills/no-majority`. */
  readonly name: string;
  readonly criteria: readonly { readonly alert: string; readonly expect: string }[];
}

/** One `alert_rule_test` of promtool. */
export interface AlertExpectation {
  readonly alertname: string;
  readonly exp_alerts?: readonly unknown[] | null;
}

const SEVERITIES = ['critical', 'warning', 'info'];
const ANNOTATIONS = ['summary', 'description', 'runbook_url', 'dashboard_url', 'drill'];
const SECTIONS = ['Meaning', 'Impact', 'Diagnosis', 'Mitigation', 'Drill'];

/** Every string in the manifest's `files`, in lists and nested lists. */
export function listedPaths(files: unknown): string[] {
  if (typeof files === 'string') return [files];
  return typeof files === 'object' && files !== null ? Object.values(files).flatMap(listedPaths) : [];
}

/** Files that bear the system's name and that its manifest does not list, by themselves or by a folder above. */
export function unlisted(
  system: string,
  listed: readonly string[],
  files: readonly string[],
  systems: readonly string[],
): string[] {
  const isListed = (path: string) => listed.some((entry) => path === entry || path.startsWith(`${entry}/`));
  return files
    .filter((path) => systemOf(path, systems) === system && !isListed(path))
    .map((path) => `services/${system}/system.ts does not list ${path}`);
}

/**
 * What an alert lacks. `runbook` is the text of its file, undefined when there is none.
 * @param folder of the runbooks, as a path from the project's root
 */
export function alertProblems(
  { alert, labels, annotations }: AlertRule,
  runbook: string | undefined,
  expectations: readonly AlertExpectation[],
  folder = 'docs/runbooks',
): string[] {
  const problems: string[] = [];
  const severity = labels?.severity ?? 'none';
  if (!SEVERITIES.includes(severity)) problems.push(`severity is ${severity}, not one of ${SEVERITIES.join(', ')}`);
  for (const name of ANNOTATIONS) if (!annotations?.[name]) problems.push(`has no annotation ${name}`);

  const path = `${folder}/${alert}.md`;
  const link = annotations?.runbook_url;
  if (link && !link.endsWith(path)) problems.push(`runbook_url does not end with ${path}`);
  if (runbook === undefined) problems.push(`has no runbook ${path}`);
  else {
    const headings = new Set(runbook.match(/^#+ .*$/gm)?.map((heading) => heading.replace(/^#+ /, '').trim()));
    for (const section of SECTIONS) if (!headings.has(section)) problems.push(`${path} has no section ${section}`);
    const drill = annotations?.drill;
    if (drill && !runbook.includes(drill)) problems.push(`${path} does not name its drill ${drill}`);
  }

  const own = expectations.filter(({ alertname }) => alertname === alert);
  if (!own.some(({ exp_alerts }) => exp_alerts?.length)) problems.push('no rule test sees it firing');
  if (!own.some(({ exp_alerts }) => !exp_alerts?.length)) problems.push('no rule test sees it silent');
  return problems.map((problem) => `${alert}: ${problem}`);
}

/** The drill in which nothing happens: there every alert must be silent. */
const isHealthy = ({ name }: DrillScenario) => /(^|\/)drills\/healthy$/.test(name);

/**
 * What alerts and drills owe each other. A rule that is deleted together with its tests leaves a drill that names it, so that the loss is seen; a drill
 * that is deleted leaves an alert that names it.
 */
export function drillProblems(alerts: readonly AlertRule[], drills: readonly DrillScenario[]): string[] {
  const known = new Set(alerts.map(({ alert }) => alert));
  const healthy = drills.filter(isHealthy);
  return [
    ...alerts.flatMap((rule) => drillOf(rule, drills).map((problem) => `${rule.alert}: ${problem}`)),
    ...healthy.flatMap((drill) => unproven(drill, alerts)),
    ...drills.flatMap(({ name, criteria }) => [
      ...criteria
        .filter(({ alert }) => !known.has(alert))
        .map(
          ({ alert }) =>
            `scenarios/${name}.yaml: no rule in alerts/ is named ${alert}: bring the rule back, or remove the criterion with it`,
        ),
      ...(isHealthy({ name, criteria }) || alerts.some(({ annotations }) => annotations?.drill === name)
        ? []
        : [`scenarios/${name}.yaml: no alert names it as its drill`]),
    ]),
  ];
}

function drillOf({ alert, annotations }: AlertRule, drills: readonly DrillScenario[]): string[] {
  const drill = annotations?.drill;
  if (!drill) return []; // `alertProblems` asks for the annotation.
  const scenario = drills.find(({ name }) => name === drill);
  if (scenario === undefined)
    return [`its drill scenarios/${drill}.yaml does not exist: write it, or correct the annotation`];
  if (scenario.criteria.some((criterion) => criterion.alert === alert && criterion.expect === 'firing')) return [];
  return [
    `its drill scenarios/${drill}.yaml does not expect it firing: add { alert: ${alert}, expect: firing, during: <fault> }`,
  ];
}

function unproven({ name, criteria }: DrillScenario, alerts: readonly AlertRule[]): string[] {
  const silent = new Set(criteria.filter(({ expect }) => expect === 'silent').map(({ alert }) => alert));
  return alerts
    .filter(({ alert }) => !silent.has(alert))
    .map(
      ({ alert }) =>
        `${alert}: scenarios/${name}.yaml does not expect it silent: add { alert: ${alert}, expect: silent }`,
    );
}
