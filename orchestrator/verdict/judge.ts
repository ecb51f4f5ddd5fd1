/**
 * Judges a finished run: opens a clone of what it stored in a Prometheus that neither scrapes nor evaluates rules, computes every rule again and
 * compares. The run and `recheck` both end here, so there is one way to a verdict.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RUN_FILES, type RunRecord } from '../run/record.ts';
import type { Criterion } from '../scenario/types.ts';
import type { PromApi } from './api.ts';
import { withCheckerReasons } from './checker-reasons.ts';
import { type RunConfiguration, readConfiguration } from './configuration.ts';
import { VerdictError, type VerdictErrorCode } from './errors.ts';
import { judgeCriterion, type RunFacts } from './evaluate.ts';
import { EXIT_CODE_THRESHOLDS, faultWindows, judgedPhases, runReasons } from './facts.ts';
import { readHeartbeats } from './heartbeat.ts';
import { materialise } from './materialise.ts';
import { type LiveRun, Observer } from './observe.ts';
import { ObservedSystem } from './observed.ts';
import {
  checkJudgeable,
  dependencies,
  parseRules,
  type RecordingRule,
  type RuleSet,
  readRuleSources,
} from './rules.ts';
import { scrapeGaps } from './scrapes.ts';
import { withStoredSeries } from './stored.ts';
import { Stretch, stretchableSelectors, withStretchedSeries } from './stretch.ts';
import { type CrossedThreshold, crossedThresholds, thresholdReasons } from './thresholds.ts';
import type { CriterionResult, Span, Verdict } from './types.ts';

export interface JudgeOptions {
  readonly record: RunRecord;
  /** Absolute path of `.gameday/runs/<id>`. */
  readonly runDirectory: string;
  /** Rule files to judge by; left out, those that the run itself had (its directory keeps copies). */
  readonly rulesFiles?: readonly string[];
  readonly tools: ReadonlyMap<'prometheus', { readonly path: string }>;
  /** False for a run that no Prometheus watched live: then there is no ALERTS to agree with. Default true. */
  readonly live?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (line: string) => void;
  /** Told of the judge's process, so that it can be ended if this one is killed. */
  readonly onProcess?: (pid: number) => void;
  /** For the judge's process, on top of this one's environment. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Throws VerdictError when there is nothing to judge (missing or damaged data, bad rules) or the judge cannot run. */
export async function judge(options: JudgeOptions): Promise<Verdict> {
  const { record, runDirectory } = options;
  await checkRunDirectory(record, runDirectory);
  // A run that never got as far as a load may have nothing of what is read below.
  if (judgedPhases(record, 0) === null) return verdictOf(record, unjudged(record));
  const configuration = await readConfiguration(join(runDirectory, RUN_FILES.prometheus, 'prometheus.yml'));
  const liveRules = parseRules(await readRuleSources(configuration.ruleFiles), configuration.evaluationIntervalMs);
  const rules =
    options.rulesFiles === undefined
      ? liveRules
      : parseRules(await readRuleSources(options.rulesFiles), configuration.evaluationIntervalMs);
  const phases = judgedPhases(record, configuration.queryOffsetMs);
  if (phases === null) return verdictOf(record, unjudged(record));
  const scene = { options, configuration, rules, liveRules, phases };
  const criteria = await onStoredSeries(options, (api) => judgeAll(api, scene));
  const summary = await readFile(join(runDirectory, RUN_FILES.k6Summary), 'utf8').catch(() => '');
  return verdictOf(record, withCheckerReasons(record, criteria), crossedThresholds(summary));
}

async function checkRunDirectory(record: RunRecord, runDirectory: string): Promise<void> {
  const file = join(runDirectory, RUN_FILES.record);
  const text = await readFile(file, 'utf8').catch(() => null);
  if (text === null)
    throw new VerdictError(
      'RUN_DIRECTORY_FOREIGN',
      `${runDirectory} has no ${RUN_FILES.record}: it is no run of Gameday (runs are in .gameday/runs)`,
    );
  let id: unknown;
  try {
    id = (JSON.parse(text) as { id?: unknown }).id;
  } catch (cause) {
    throw new VerdictError('RUN_DIRECTORY_FOREIGN', `${file} is not JSON: restore it, or run the scenario again`, {
      cause,
    });
  }
  if (id !== record.id)
    throw new VerdictError('RUN_DIRECTORY_FOREIGN', `${runDirectory} holds the run ${String(id)}, not ${record.id}`);
}

/** With the stored series open; an interruption is told apart from what it makes fail. */
async function onStoredSeries<T>(options: JudgeOptions, work: (api: PromApi) => Promise<T>): Promise<T> {
  options.onProgress?.('opening the stored series');
  try {
    const result = await withStoredSeries({ ...options, name: 'judge', binary: pathOf(options.tools) }, work);
    options.signal?.throwIfAborted();
    return result;
  } catch (error) {
    if (options.signal?.aborted !== true) throw error;
    throw new VerdictError('ABORTED', 'judging was interrupted: `gameday recheck` does it again', { cause: error });
  }
}

function pathOf(tools: JudgeOptions['tools']): string {
  const tool = tools.get('prometheus');
  if (tool === undefined)
    throw new VerdictError('PROMETHEUS_NOT_STARTED', 'no Prometheus was obtained: `gameday doctor` shows the tools');
  return tool.path;
}

/** Errors that concern one rule; anything else ends the judgement. */
const OF_ONE_RULE: ReadonlySet<VerdictErrorCode> = new Set([
  'EXPRESSION_INVALID',
  'EXPRESSION_UNSUPPORTED',
  'RULES_CYCLE',
  'QUERY_FAILED',
  'QUERY_TIMEOUT',
  'RESULT_UNSUPPORTED',
]);

/** What is the same for all criteria of a run. */
interface Scene {
  readonly options: JudgeOptions;
  readonly configuration: RunConfiguration;
  readonly rules: RuleSet;
  readonly liveRules: RuleSet;
  readonly phases: Pick<RunFacts, 'loading' | 'window'>;
}

/** Criteria as they happened, then those that are to be judged in stretched time, one Prometheus for each factor. */
async function judgeAll(api: PromApi, scene: Scene): Promise<CriterionResult[]> {
  const { criteria } = scene.options.record.scenario;
  const trial = await asItWas(api, scene);
  const results = new Map<Criterion, CriterionResult>();
  for (const factor of new Set(criteria.map(({ stretch }) => stretch ?? 1))) {
    const some = criteria.filter(({ stretch }) => (stretch ?? 1) === factor);
    const judged = factor === 1 ? await new Trial(trial).judge(some) : await judgeStretched(trial, scene, factor, some);
    for (const [i, criterion] of some.entries()) results.set(criterion, judged[i]!);
  }
  return criteria.map((criterion) => results.get(criterion)!);
}

async function asItWas(
  api: PromApi,
  { options, configuration, rules, liveRules, phases }: Scene,
): Promise<TrialOptions> {
  const { record, onProgress } = options;
  const { window } = phases;
  const { observed } = record;
  const data = { from: observed?.dataFrom ?? record.startedAt, to: window.to };
  const live =
    options.live === false || observed !== undefined
      ? null
      : { rules: liveRules, heartbeats: await readHeartbeats(api, data.from, data.to) };
  const run: RunFacts = {
    ...phases,
    faults: faultWindows(record, window.to),
    objectives: record.scenario.objectives,
    scrapeGaps:
      live === null
        ? []
        : await scrapeGaps(
            api,
            record.nodes.filter(({ scraped }) => scraped !== false),
            window,
            configuration.scrapeIntervalMs,
          ),
    interrupted: record.interrupted !== undefined,
  };
  return {
    ...{ api, rules, live, data, run },
    ...(observed && { observed: new ObservedSystem({ api, rules, data, window, standIns: observed.standIns }) }),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
}

async function judgeStretched(
  trial: TrialOptions,
  { options, rules }: Scene,
  factor: number,
  criteria: readonly Criterion[],
): Promise<CriterionResult[]> {
  const stretch = new Stretch(factor, trial.data.to);
  options.onProgress?.(`stretching time ${factor} times`);
  const selectors: string[] = [];
  for (const { alert } of criteria) {
    const rule = rules.alerts.get(alert);
    const found = rule && (await tolerated(() => stretchableSelectors(rule, rules)));
    if (found && 'because' in found)
      return criteria.map((criterion) => unjudgeable(criterion, found.because, trial.run));
    selectors.push(...(found?.value ?? []));
  }
  const { run } = trial;
  const virtual: RunFacts = {
    window: stretch.span(run.window),
    loading: stretch.span(run.loading),
    faults: run.faults.map((fault) => stretch.span(fault)),
    objectives: run.objectives,
    scrapeGaps: run.scrapeGaps.map((gap) => stretch.span(gap)),
    interrupted: run.interrupted,
  };
  const stored = { ...options, name: 'stretch', binary: pathOf(options.tools) };
  return withStretchedSeries(trial.api, trial.data, selectors, stretch, stored, async (api) => {
    // The run's own Prometheus saw another time: there is nothing to agree with.
    const results = await new Trial({ ...trial, api, live: null, data: stretch.span(trial.data), run: virtual }).judge(
      criteria,
    );
    return results.map((result) => stretch.result(result, run.window));
  });
}

function unjudgeable(criterion: Criterion, because: string, run: RunFacts): CriterionResult {
  return judgeCriterion(criterion, null, { because }, run);
}

interface TrialOptions {
  readonly api: PromApi;
  readonly rules: RuleSet;
  readonly live: LiveRun | null;
  /** From the first sample to the end of the judged window. */
  readonly data: Span;
  readonly run: RunFacts;
  /** Present when an existing system is judged. */
  readonly observed?: ObservedSystem;
  readonly onProgress?: (line: string) => void;
}

/** One judgement, with the judge's Prometheus at hand. */
class Trial {
  readonly #o: TrialOptions;
  readonly #observer: Observer;
  /** Why a recording rule could not be computed. */
  readonly #failed = new Map<RecordingRule, string>();

  constructor(options: TrialOptions) {
    const { api, rules, live, data, run } = options;
    this.#o = options;
    this.#observer = new Observer({ api, rules, live, data, window: run.window });
  }

  async judge(criteria: readonly Criterion[]): Promise<CriterionResult[]> {
    await this.#materialise(criteria);
    this.#o.onProgress?.(`judging ${criteria.length} criteria`);
    return Promise.all(criteria.map((criterion) => this.#criterion(criterion)));
  }

  /** Computes what the criteria's rules read, each rule after those that it reads itself. */
  async #materialise(criteria: readonly Criterion[]): Promise<void> {
    const { rules, api } = this.#o;
    const wanted = new Set<RecordingRule>();
    for (const { alert } of criteria) {
      const rule = rules.alerts.get(alert);
      if (rule === undefined) continue;
      const read = await tolerated(() => dependencies(rule, rules));
      if ('value' in read) for (const recording of read.value) wanted.add(recording);
    }
    if (wanted.size > 0) this.#o.onProgress?.(`computing ${wanted.size} recording rules`);
    for (const rule of wanted) {
      const grid = this.#observer.grid(rule.group.key, rule.group.intervalMs);
      const done = await tolerated(() => materialise(rule, rules, grid, api));
      if ('because' in done) this.#failed.set(rule, done.because);
    }
  }

  async #criterion(criterion: Criterion): Promise<CriterionResult> {
    const { rules, run, observed: system } = this.#o;
    const rule = rules.alerts.get(criterion.alert);
    if (rule === undefined) return unjudgeable(criterion, `no rule file defines the alert ${criterion.alert}`, run);
    const observed = await tolerated(async () => {
      checkJudgeable(rule, rules);
      for (const recording of dependencies(rule, rules)) {
        const because = this.#failed.get(recording);
        if (because !== undefined)
          throw new VerdictError('QUERY_FAILED', `its recording rule ${recording.name} cannot be computed: ${because}`);
      }
      const objection = await system?.objection(rule);
      if (objection) throw new VerdictError('EXPRESSION_UNSUPPORTED', objection);
      return this.#observer.observe(rule);
    });
    if ('because' in observed)
      return { ...unjudgeable(criterion, observed.because, run), expr: rule.expression.text, for: rule.forMs };
    const { facts, observation } = observed.value;
    if (system === undefined) return judgeCriterion(criterion, facts, observation, run);
    const [unmatched, scrapeGaps] = [await system.unmatched(rule), await system.scrapeGaps(rule)];
    return judgeCriterion(criterion, facts, { ...observation, unmatched }, { ...run, scrapeGaps });
  }
}

/** The value, or the message of an error that concerns one rule only. */
async function tolerated<T>(work: () => T | Promise<T>): Promise<{ readonly value: T } | { readonly because: string }> {
  try {
    return { value: await work() };
  } catch (error) {
    if (error instanceof VerdictError && OF_ONE_RULE.has(error.code)) return { because: error.message };
    throw error;
  }
}

function unjudged(record: RunRecord): CriterionResult[] {
  const moment = { from: record.startedAt, to: record.startedAt };
  const { objectives } = record.scenario;
  const run = { window: moment, loading: moment, faults: [], objectives, scrapeGaps: [], interrupted: true };
  const because = 'the run ended before its load could be judged';
  return record.scenario.criteria.map((criterion) => judgeCriterion(criterion, null, { because }, run));
}

/**
 * Fail if any criterion fails or k6 crossed a threshold (they come from the same objectives) that it was not meant to cross; else inconclusive if any criterion
 * is, or the run as a whole; an interrupted run is always inconclusive.
 */
export function verdictOf(
  record: RunRecord,
  criteria: readonly CriterionResult[],
  crossed: readonly CrossedThreshold[] = [],
): Verdict {
  const ofRun = runReasons(record);
  const open = criteria.filter((criterion) => criterion.result === 'inconclusive').map(sentence);
  const failed = criteria.filter((criterion) => criterion.result === 'fail').map(sentence);
  if (record.load?.exitCode === EXIT_CODE_THRESHOLDS) {
    if (crossed.length > 0) failed.push(...thresholdReasons(crossed, record.scenario.criteria));
    else failed.push(`k6 crossed a threshold that comes from the objectives: see ${record.load.logPath}`);
  }
  const conclusive = record.interrupted === undefined && failed.length > 0;
  const result = conclusive ? 'fail' : failed.length + open.length + ofRun.length > 0 ? 'inconclusive' : 'pass';
  return {
    result,
    criteria,
    reasons: [...failed, ...open, ...ofRun],
    judgedAt: Date.now(),
  };
}

function sentence({ alert, reason }: CriterionResult): string {
  return `${alert}: ${reason}`;
}
