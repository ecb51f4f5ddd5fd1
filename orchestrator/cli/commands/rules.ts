/** `rules export`: the rules of a system for a Prometheus in production. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { Option } from 'commander';
import { stringify } from 'yaml';
import { scenarioLoader } from '../../run/project.ts';
import { seriesRules } from '../../run/series_rules.ts';
import { ruleFiles } from '../../run/systems.ts';
import { suggestion } from '../../scenario/problems.ts';
import type { Objective } from '../../scenario/types.ts';
import { objectiveMetricName, parseObjective } from '../../scenario/units.ts';
import { formatDuration } from '../../verdict/duration.ts';
import { type Export, type ExportedGroup, exportRules } from '../../verdict/export.ts';
import { readRuleSources } from '../../verdict/rules.ts';
import { type Context, note, print } from '../context.ts';
import { EXIT, type ExitCode, UsageError } from '../exit_code.ts';
import { contextOf, type SystemFlags } from '../system_choice.ts';

export interface ExportFlags extends SystemFlags {
  readonly format: 'prometheus' | 'prometheusrule';
  readonly scenario?: string;
  /** `name=value`, as written. */
  readonly objective: readonly string[];
  readonly runbookBase?: string;
  readonly dashboardBase?: string;
  readonly name?: string;
  /** `key=value`, as written. */
  readonly label: readonly string[];
  readonly output?: string;
}

/** Kubernetes: DNS subdomain of RFC 1123. */
const RESOURCE_NAME = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/;
const RESOURCE_NAME_LENGTH_MAX = 253;
/** So many scrapes must fit into a range; the same as the judge asks of an existing system. */
const SCRAPES_IN_RANGE = 4;

export function addRulesCommand(program: Command, run: (flags: ExportFlags) => Promise<void>): void {
  const several = (text: string, before: readonly string[]) => [...before, text];
  program
    .command('rules')
    .description('the alert rules of a system')
    .command('export')
    .description('writes the rules for a Prometheus in production, with the objectives as numbers')
    .addOption(
      new Option('--format <format>', 'a rule file, or a PrometheusRule of the Prometheus operator')
        .choices(['prometheus', 'prometheusrule'])
        .makeOptionMandatory(),
    )
    .option('--system <name or path>', 'a system, or the file of its manifest')
    .option('--scenario <scenario>', 'takes its objectives, and its system unless --system says another')
    .option('--objective <name=value>', 'an objective, such as write_p99=50ms; may be repeated', several, [])
    .option('--runbook-base <url>', 'what runbook_url begins with, slash included')
    .option('--dashboard-base <url>', 'what dashboard_url begins with, slash included')
    .option('--name <name>', 'metadata.name of the PrometheusRule; gameday-<system> when absent')
    .option(
      '--label <key=value>',
      'a label of the PrometheusRule, such as release=prometheus; may be repeated',
      several,
      [],
    )
    .option('--output <file>', 'instead of stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  gameday rules export --format prometheus --objective write_p99=50ms > gameday.rules.yml\n' +
        '  gameday rules export --format prometheusrule --scenario kv/leader-kill | kubectl apply -f -',
    )
    .action(run);
}

export async function exportCommand(command: Context, flags: ExportFlags): Promise<ExitCode> {
  const context = await contextOf(command, flags);
  const scenario = flags.scenario === undefined ? undefined : await loadScenario(context, flags.scenario);
  const word = flags.system !== undefined && context.systems.names().includes(flags.system) ? flags.system : undefined;
  const manifest = await context.systems.manifest(word ?? scenario?.system ?? onlySystem(context));
  const files = ruleFiles(context.root, context.systems.home, manifest.files.rules);
  const sources = await readRuleSources(files);
  const given = flags.objective.map(parseAssignment);
  const objectives = new Map(
    [...Object.entries(scenario?.objectives ?? {}), ...given].map(([name, objective]) => [
      objectiveMetricName(name, objective),
      objective.value,
    ]),
  );
  const { runbookBase, dashboardBase } = flags;
  const result = exportRules(
    sources,
    {
      objectives,
      ...(runbookBase === undefined ? {} : { runbookBase }),
      ...(dashboardBase === undefined ? {} : { dashboardBase }),
    },
    seriesRules(manifest),
  );
  refuseUnknown(given, result);
  refuseMissing(result);
  if (result.groups.length === 0)
    throw new UsageError(`${manifest.name} has no rule that means anything outside a run`);
  const { groups } = result;
  const text = stringify(flags.format === 'prometheus' ? { groups } : prometheusRule(groups, manifest.name, flags), {
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
  if (flags.output === undefined) print(context, text.trimEnd());
  else writeFileSync(resolve(context.workingDirectory, flags.output), text);
  for (const line of remarks(result)) note(context, line);
  return EXIT.pass;
}

async function loadScenario(context: Context, word: string) {
  const entries = context.catalogue.find([word], context.workingDirectory);
  const [entry] = entries;
  if (entry === undefined || entries.length > 1)
    throw new UsageError(
      `--scenario ${word} stands for ${entries.length} scenarios: the objectives of one are written in`,
    );
  return (await scenarioLoader(context.root, context.systems).load(entry.file, { ci: false, timeScale: 1 })).scenario;
}

function onlySystem({ systems }: Context): string {
  const [name, ...more] = systems.names();
  if (name === undefined || more.length > 0)
    throw new UsageError(`say which system: --system ${systems.names().join(', --system ')}`);
  return name;
}

function parseAssignment(text: string): readonly [string, Objective] {
  const [name = '', value = ''] = text.split(/=(.*)/s);
  const objective = parseObjective(value);
  if (!/^[a-z][a-z0-9_]*$/.test(name) || objective === undefined)
    throw new UsageError(
      `--objective ${text}: expected name=value, such as write_p99=50ms, availability=99.9% or throughput=100/s`,
    );
  return [name, objective];
}

const METRIC = /^gameday_objective_(\w+)_(seconds|ratio|per_second)$/;
const UNIT_EXAMPLE = { seconds: '50ms', ratio: '99.9%', per_second: '100/s' } as const;

function objectiveOf(metric: string): { readonly name: string; readonly unit: keyof typeof UNIT_EXAMPLE } {
  const [, name = metric, unit = 'seconds'] = METRIC.exec(metric) ?? [];
  return { name, unit: unit as keyof typeof UNIT_EXAMPLE };
}

function refuseUnknown(given: readonly (readonly [string, Objective])[], { objectives }: Export): void {
  const known = [...objectives].map(objectiveOf);
  for (const [name, objective] of given) {
    if (objectives.has(objectiveMetricName(name, objective))) continue;
    const other = known.find((one) => one.name === name);
    if (other !== undefined)
      throw new UsageError(
        `the objective ${name} is in ${other.unit}: give it as in ${name}=${UNIT_EXAMPLE[other.unit]}`,
      );
    const names = known.map((one) => one.name);
    throw new UsageError(
      `unknown objective "${name}": ${names.length === 0 ? 'no rule of this system reads any' : `the rules read ${names.join(', ')}`}${suggestion(name, names)}`,
    );
  }
}

function refuseMissing({ missing }: Export): void {
  if (missing.size === 0) return;
  const parts = [...missing].map(([metric, rules]) => {
    const { name, unit } = objectiveOf(metric);
    return `${rules.join(', ')} ${rules.length === 1 ? 'needs' : 'need'} the objective ${name}: --objective ${name}=${UNIT_EXAMPLE[unit]}`;
  });
  throw new UsageError(`${parts.join('; ')}, or --scenario <one that has it>`);
}

function prometheusRule(groups: readonly ExportedGroup[], system: string, flags: ExportFlags): object {
  const name = flags.name ?? `gameday-${system}`.toLowerCase().replaceAll(/[^-a-z0-9.]/g, '-');
  if (!RESOURCE_NAME.test(name) || name.length > RESOURCE_NAME_LENGTH_MAX)
    throw new UsageError(
      `--name ${name} is no name for Kubernetes: lower-case letters, digits, dashes and dots, at most ${RESOURCE_NAME_LENGTH_MAX}`,
    );
  const labels = flags.label.map((text) => {
    const [key = '', value] = text.split(/=(.*)/s);
    if (key === '' || value === undefined) throw new UsageError(`--label ${text}: expected key=value`);
    return [key, value] as const;
  });
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: { name, ...(labels.length === 0 ? {} : { labels: Object.fromEntries(labels) }) },
    spec: { groups },
  };
}

function remarks({ groups, leftOut, shortest }: Export): string[] {
  const rules = groups.flatMap((group) => group.rules);
  const alerts = rules.filter((rule) => rule.alert !== undefined).length;
  const lines = [`${alerts} alerts and ${rules.length - alerts} recording rules in ${groups.length} groups`];
  const seen = new Set<string>();
  for (const { name, kind, because } of leftOut) {
    const line = `left out: the ${kind} ${name}: ${because}`;
    if (!seen.has(line)) lines.push(line);
    seen.add(line);
  }
  if (shortest !== null)
    lines.push(
      `scrape at least every ${formatDuration(shortest.rangeMs / SCRAPES_IN_RANGE)}: ${shortest.rule} looks at ${formatDuration(shortest.rangeMs)}, and a range needs ${SCRAPES_IN_RANGE} samples`,
    );
  return lines;
}
