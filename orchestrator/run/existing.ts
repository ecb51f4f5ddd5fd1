/**
 * An existing system takes the place of a run: what its own Prometheus has stored of it is copied into the run directory, with the rules and
 * the objectives of the scenario, and judged from there as every run is. Nothing is started, loaded or broken.
 */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProcessRegistry } from '../cluster/registry.ts';
import { observedText } from '../observed_text.ts';
import type { Scenario } from '../scenario/types.ts';
import { PromApi } from '../verdict/api.ts';
import { type Copy, copySeries } from '../verdict/copy.ts';
import { VerdictError } from '../verdict/errors.ts';
import { type LabelMatcher, type Selector, selectorsOf } from '../verdict/expression.ts';
import { store } from '../verdict/materialise.ts';
import { judgeConfiguration, startPrometheus } from '../verdict/prometheus.ts';
import type { WrittenSeries } from '../verdict/remote-write.ts';
import { type AlertingRule, dependencies, type RuleSet, reactionTime } from '../verdict/rules.ts';
import type { Span } from '../verdict/types.ts';
import { authorization, type Endpoint } from './endpoint.ts';
import type { Journal } from './journal.ts';
import type { ConductOptions, Tools } from './options.ts';
import { rulesOf } from './project.ts';
import { writePrometheusFiles } from './prometheus_files.ts';
import { type ObservedRecord, RUN_FILES } from './record.ts';
import { seriesRules } from './series_rules.ts';
import { isObjective, type StandIn, standIns } from './stand_ins.ts';
import { ruleFiles } from './systems.ts';

export interface ExistingSystem {
  readonly prometheus: Endpoint;
  readonly match: readonly LabelMatcher[];
  /** What is judged; its end is not in the future. */
  readonly window: Span;
  /** For one answer of that Prometheus; 30 s unless given. */
  readonly timeoutMs?: number;
  /** 2 million unless given. */
  readonly samplesMax?: number;
}

/** How far a lookup at a moment reaches back. */
const LOOKBACK_MS = 300_000;
/** Where no series tells how often there is a sample, there is nothing to evaluate either. */
const INTERVAL_MS = 15_000;

/** Leaves the run directory as a run does: rules, series, and `run.json` up to the verdict. Throws VerdictError. */
export async function copyExisting(
  options: ConductOptions,
  existing: ExistingSystem,
  journal: Journal,
  registry: ProcessRegistry,
  tools: Tools,
): Promise<void> {
  const { root, loaded, emit } = options;
  const { window, prometheus, match } = existing;
  const { scenario, notJudged } = withoutFaults(loaded.scenario);
  journal.update({ scenario, faults: [] });
  const rules = await rulesOf(root, loaded.home, loaded.manifest);
  const data = { from: window.from - warmUpMs(criteriaRules(scenario, rules), rules), to: window.to };
  const copy = await copied(existing, scenario, rules, data, (what) => emit({ type: 'judging', what }), options.signal);
  const intervalMs = copy.intervalMs ?? INTERVAL_MS;
  const substitutes = standIns(scenario, copy.found);
  writeRules(options, journal.directory.path, intervalMs);
  const series = [...copy.series, ...substitutes.map((standIn) => written(standIn, data, intervalMs))];
  await storeSeries(series, journal.directory.path, { options, registry, tools });
  const observed: ObservedRecord = {
    prometheus: prometheus.shown,
    match: match.map(({ text }) => text),
    dataFrom: data.from,
    ...{ series: copy.series.length, samples: copy.samples, intervalMs, notJudged },
    standIns: substitutes.map(({ name }) => name),
    renamed: copy.renamed,
  };
  journal.update({
    startedAt: window.from,
    phases: [
      { name: 'loading', ...window },
      { name: 'settling', from: window.to, to: window.to },
    ],
    observed,
  });
  for (const text of observedText(observed, window)) emit({ type: 'observed', text });
}

/** Nobody breaks what is only looked at: what is asked about a fault is not judged, and the rest as if there were none. */
export function withoutFaults(scenario: Scenario): { readonly scenario: Scenario; readonly notJudged: string[] } {
  const criteria = scenario.criteria
    .filter(({ during }) => during === undefined)
    // Real time has passed here.
    .map(({ stretch: _, ...criterion }) => criterion);
  const notJudged = scenario.criteria
    .filter(({ during }) => during !== undefined)
    .map(({ alert, expect, during }) => `${alert} ${expect} during ${during}`);
  return { scenario: { ...scenario, faults: [], criteria }, notJudged };
}

function criteriaRules({ criteria }: Scenario, rules: RuleSet): AlertingRule[] {
  return [...new Set(criteria.flatMap(({ alert }) => rules.alerts.get(alert) ?? []))];
}

/** From where on rules must be evaluated, so that what they say in the window is what they would have said had they always been there. */
function warmUpMs(alerts: readonly AlertingRule[], rules: RuleSet): number {
  const reactions = alerts.map((rule) => judgeable(() => reactionTime(rule, rules) + rule.keepFiringForMs) ?? 0);
  return Math.max(0, ...reactions) + LOOKBACK_MS;
}

/** Undefined for a rule that the judge will refuse, with a reason. */
function judgeable<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof VerdictError) return undefined;
    throw error;
  }
}

async function copied(
  { prometheus, match, timeoutMs = 30_000, samplesMax }: ExistingSystem,
  scenario: Scenario,
  rules: RuleSet,
  data: Span,
  onProgress: (what: string) => void,
  signal: AbortSignal,
): Promise<Copy> {
  const source = new PromApi(prometheus.url, { timeoutMs, headers: authorization(prometheus), whole: true });
  const abort = (): void => void source.close();
  signal.addEventListener('abort', abort, { once: true });
  try {
    // First of all: is that a Prometheus, and may we ask it?
    await source.query('vector(1)');
    const selectors = criteriaRules(scenario, rules).flatMap(
      (rule) => judgeable(() => rawSelectors(rule, rules)) ?? [],
    );
    return await copySeries({
      ...{ source, selectors, data, onProgress, matchers: match, system: scenario.system },
      ...(samplesMax === undefined ? {} : { samplesMax }),
    });
  } catch (error) {
    signal.throwIfAborted();
    throw withAdvice(error);
  } finally {
    signal.removeEventListener('abort', abort);
    await source.close();
  }
}

function rawSelectors(rule: AlertingRule, rules: RuleSet): Selector[] {
  return [rule, ...dependencies(rule, rules)]
    .flatMap((part) => selectorsOf(part.expression))
    .filter(({ name }) => name !== null && !rules.recordings.has(name) && !isObjective(name));
}

function withAdvice(error: unknown): unknown {
  if (!(error instanceof VerdictError)) return error;
  const advice: Partial<Record<VerdictError['code'], string>> = {
    PROMETHEUS_REFUSED:
      'GAMEDAY_PROMETHEUS_TOKEN, or GAMEDAY_PROMETHEUS_USER and GAMEDAY_PROMETHEUS_PASSWORD, or http://user:password@… say who asks',
    PROMETHEUS_UNREACHABLE: 'is the address right, and does it listen there?',
    QUERY_PARTIAL: 'nothing is judged on a part; ask again when all that is behind it answers',
    QUERY_TIMEOUT: 'a shorter time (--since, or --from and --to) or fewer series (--match) may be answered in time',
  };
  const more = advice[error.code];
  return more === undefined ? error : new VerdictError(error.code, `${error.message}: ${more}`, { cause: error.cause });
}

/** The rules are evaluated as often as there is a sample, and look at the moment itself: whatever came late has come. */
function writeRules({ root, loaded }: ConductOptions, runDirectory: string, intervalMs: number): void {
  const { home, manifest } = loaded;
  const files = ruleFiles(root, home, manifest.files.rules);
  writePrometheusFiles(root, runDirectory, files, seriesRules(manifest), (document) => {
    for (const key of ['scrape_interval', 'scrape_timeout', 'evaluation_interval'])
      document.setIn(['global', key], `${intervalMs}ms`);
    document.setIn(['global', 'rule_query_offset'], '0s');
    document.delete('scrape_configs');
  });
}

/** Visibly no series of the system: `instance="stand-in"`. */
function written({ name, labels, value }: StandIn, data: Span, intervalMs: number): WrittenSeries {
  const count = Math.floor((data.to - data.from) / intervalMs) + 1;
  return {
    labels: { __name__: name, job: 'gameday', instance: 'stand-in', ...labels },
    samples: Array.from({ length: count }, (_, i) => ({ timeMs: data.from + i * intervalMs, value })),
  };
}

async function storeSeries(
  series: readonly WrittenSeries[],
  runDirectory: string,
  {
    options,
    registry,
    tools,
  }: { readonly options: ConductOptions; readonly registry: ProcessRegistry; readonly tools: Tools },
): Promise<void> {
  const configFile = join(runDirectory, RUN_FILES.prometheus, 'copy.yml');
  await writeFile(configFile, judgeConfiguration());
  const prometheus = await startPrometheus({
    binary: tools.get('prometheus')!.path,
    directory: join(runDirectory, RUN_FILES.tsdb),
    configFile,
    logFile: join(runDirectory, RUN_FILES.logs, 'prometheus.log'),
    mode: 'judge',
    signal: options.signal,
    environment: registry.environment(),
    onProcess: (pid) => registry.add('prometheus (copy)', pid),
  });
  try {
    await store(series, prometheus.api);
  } finally {
    await prometheus.stop();
    await rm(configFile, { force: true });
  }
}
