/** The flags of `run` that are about a Prometheus which is not ours: one to judge from, one to send a copy to. */
import { type Command, InvalidArgumentError } from 'commander';
import { parseEndpoint } from '../run/endpoint.ts';
import { withoutFaults } from '../run/existing.ts';
import type { ConductOptions } from '../run/options.ts';
import type { LoadedScenario } from '../scenario/load.ts';
import { parseDuration } from '../verdict/duration.ts';
import type { LabelMatcher } from '../verdict/expression.ts';
import { parseMatch } from '../verdict/foreign.ts';
import type { Span } from '../verdict/types.ts';
import { UsageError } from './exit_code.ts';

export interface PrometheusFlags {
  readonly prometheus?: string;
  /** Milliseconds. */
  readonly since?: number;
  /** Epoch milliseconds. */
  readonly from?: number;
  readonly to?: number;
  readonly match?: readonly LabelMatcher[];
  readonly remoteWrite?: string;
  readonly targets?: readonly string[];
}

const SINCE_MS = 600_000;

export function withPrometheus(command: Command): Command {
  return command
    .option(
      '--prometheus <url>',
      'judges an existing system by what this Prometheus has stored of it; nothing is started, loaded or broken',
    )
    .option('--since <duration>', 'with --prometheus: the last so long, such as 30m; 10m when absent', since)
    .option('--from <time>', 'with --prometheus: from this moment, such as 2026-01-31T09:30:00Z', moment)
    .option('--to <time>', 'with --prometheus: to this moment; now when absent', moment)
    .option(
      '--match <matchers>',
      'with --prometheus: only series with these labels, such as \'cluster="prod"\'; may be repeated',
      match,
    )
    .option('--remote-write <url>', 'sends a copy of every sample there, with the label run_id');
}

/** What the flags ask of a run. Throws UsageError, EndpointError. */
export function prometheusOptions(
  flags: PrometheusFlags,
  environment: Readonly<Record<string, string | undefined>>,
  now: number,
): Pick<ConductOptions, 'existing' | 'remoteWrite'> {
  if (flags.prometheus === undefined) {
    const [alone] = (['since', 'from', 'to', 'match'] as const).filter((name) => flags[name] !== undefined);
    if (alone !== undefined)
      throw new UsageError(`--${alone} says what to judge of an existing system: it needs --prometheus <url>`);
    return flags.remoteWrite === undefined
      ? {}
      : { remoteWrite: parseEndpoint(flags.remoteWrite, '--remote-write', 'GAMEDAY_REMOTE_WRITE', environment) };
  }
  if (flags.remoteWrite !== undefined)
    throw new UsageError(
      '--remote-write sends the samples of a run, and with --prometheus there is none: leave one of them out',
    );
  if (flags.targets !== undefined)
    throw new UsageError(
      '--targets says where nodes run, and with --prometheus no node is asked: leave one of them out',
    );
  const prometheus = parseEndpoint(flags.prometheus, '--prometheus', 'GAMEDAY_PROMETHEUS', environment);
  if (prometheus.url !== prometheus.shown)
    throw new UsageError(
      `--prometheus ${prometheus.shown}?…: an API is asked below its address, so there is no place for a query: leave it out`,
    );
  return { existing: { prometheus, match: flags.match ?? [], window: windowOf(flags, now) } };
}

/** Refuses a scenario of which nothing would be left to judge. */
export function refuseFaultsOnly({ scenario, file }: LoadedScenario): void {
  const { scenario: rest, notJudged } = withoutFaults(scenario);
  if (rest.criteria.length === 0)
    throw new UsageError(
      `${file}: with --prometheus no fault is injected, and ${notJudged.length === 0 ? 'there is no criterion' : `each criterion is about one (${notJudged.join('; ')})`}: nothing is left to judge`,
    );
}

function windowOf(flags: PrometheusFlags, now: number): Span {
  const { since, from, to = now } = flags;
  if (since !== undefined && from !== undefined)
    throw new UsageError('--since and --from both say where the window begins: give one of them');
  const window = { from: from ?? to - (since ?? SINCE_MS), to };
  const [begins, ends] = [window.from, window.to].map((ms) => new Date(ms).toISOString());
  if (window.to > now) throw new UsageError(`--to ${ends} is in the future: nothing is known of it yet`);
  if (window.from >= window.to)
    throw new UsageError(`the window from ${begins} to ${ends} is empty: --from must be before --to`);
  return window;
}

function since(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms === 0) throw new InvalidArgumentError('Expected a duration such as 10m or 1h30m.');
  return ms;
}

function moment(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (!Number.isFinite(ms))
    throw new InvalidArgumentError('Expected a time such as 2026-01-31T09:30:00Z, or seconds since 1970.');
  return Math.round(ms);
}

function match(text: string, before: readonly LabelMatcher[] = []): LabelMatcher[] {
  try {
    return [...before, ...parseMatch(text)];
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}
