/** `flood`, `burst`, `mixed` and `storm`: a k6 load on the standing cluster, with or without chaos, and what came of it. */
import { randomInt } from 'node:crypto';
import { Prng } from '../../../../kit/prng.ts';
import { note, print, printJson } from '../../context.ts';
import { EXIT, type ExitCode, UsageError } from '../../exit_code.ts';
import { clusterOptions } from '../cluster_commands.ts';
import type { BombarderContext } from '../context.ts';
import { LocalCluster } from '../local_cluster.ts';
import { NodeClient } from '../node_client.ts';
import { type Verification, verdictOf, verify } from '../verify.ts';
import { Chaos, type ChaosEvent, paceForKills } from './chaos.ts';
import { type K6RunResult, obtainK6, runK6 } from './k6_run.ts';
import { describeLoad, type LoadName, type LoadRequest } from './load.ts';
import { LoadProgressLine } from './progress.ts';
import { isClean, type LoadResult, resultLines, row } from './result.ts';

export interface LoadFlags {
  readonly nodes?: readonly string[];
  readonly json: boolean;
  readonly count: number;
  readonly concurrency: number;
  readonly burst?: LoadRequest['burst'];
  readonly readShare?: number;
  readonly chaos?: { readonly intervalSeconds: number; readonly kills: number };
}

/** The cluster is not in a state in which the load could say anything. */
export class LoadRefusedError extends Error {
  readonly code = 'CLUSTER_UNUSABLE';
  constructor(message: string) {
    super(message);
    this.name = 'LoadRefusedError';
  }
}

export async function loadCommand(context: BombarderContext, name: LoadName, flags: LoadFlags): Promise<ExitCode> {
  const cluster = LocalCluster.at(await clusterOptions(context));
  const request = requestOf(name, flags, cluster);
  const answering = await readyNodes(request, cluster);
  const binary = await obtainK6(context);
  const seed = randomInt(2 ** 32);
  note(context, `${name}: ${describeLoad(request)}`);
  const progress = new LoadProgressLine(context.terminal, request.count);
  const ended = new AbortController();
  const chaos = flags.chaos && newChaos(context, { cluster, flags: flags.chaos, seed, progress, ended: ended.signal });
  let chaosRun: Promise<void> | undefined;
  let run: K6RunResult;
  try {
    const onRunning = () => {
      chaosRun = chaos?.run();
      // It is waited for below; until then a node that does not come back is no unhandled rejection.
      chaosRun?.catch(() => undefined);
    };
    run = await runK6(binary, { context, request, seed, progress, onRunning });
  } finally {
    ended.abort();
    await chaosRun;
  }
  const verification = await verify(answering, context.signals.signal);
  const outcome: LoadOutcome = { name, request, run, verification, chaos: chaos?.events, promised: flags.chaos?.kills };
  if (flags.json) printJson(context, document(outcome));
  else showOutcome(context, outcome);
  return exitCodeOf(outcome);
}

function requestOf(name: LoadName, flags: LoadFlags, cluster: LocalCluster): LoadRequest {
  const { nodes, count, concurrency, burst, readShare, chaos } = flags;
  const local = cluster.nodes.map(({ url }) => url);
  const foreign = nodes?.find((url) => !local.includes(url));
  if (chaos !== undefined && foreign !== undefined)
    throw new UsageError(`--chaos kills the nodes of \`bombarder cluster start\`, and ${foreign} is none of them`);
  return {
    ...{ name, targets: nodes ?? local, count, concurrency: Math.min(concurrency, count) },
    ...(burst === undefined ? {} : { burst }),
    ...(readShare === undefined ? {} : { readShare }),
    paceSeconds: chaos === undefined ? 0 : paceForKills(chaos.kills, chaos.intervalSeconds),
    chaos: chaos !== undefined,
  };
}

/** Those that answer now: they are compared afterwards. With chaos all three have to, so that one may die. */
async function readyNodes({ targets, chaos }: LoadRequest, cluster: LocalCluster): Promise<string[]> {
  const statuses = await Promise.all(targets.map((url) => new NodeClient(url).status()));
  const answering = targets.filter((_, position) => statuses[position] !== undefined);
  const hosts = targets.map((url) => new URL(url).host).join(', ');
  if (answering.length === 0) throw new LoadRefusedError(`no answer from ${hosts}: npx bombarder cluster start`);
  if (!chaos) return answering;
  const missing = cluster.nodes.filter((node) => cluster.process(node) === undefined);
  if (missing.length > 0) {
    const names = missing.map(({ index }) => `node ${index}`).join(' and ');
    throw new LoadRefusedError(
      `--chaos kills one of three running nodes, and ${names} is down: npx bombarder cluster start`,
    );
  }
  return answering;
}

function newChaos(
  context: BombarderContext,
  given: {
    readonly cluster: LocalCluster;
    readonly flags: NonNullable<LoadFlags['chaos']>;
    readonly seed: number;
    readonly progress: LoadProgressLine;
    readonly ended: AbortSignal;
  },
): Chaos {
  return new Chaos({
    cluster: given.cluster,
    intervalSeconds: given.flags.intervalSeconds,
    random: new Prng(given.seed),
    signal: AbortSignal.any([context.signals.signal, given.ended]),
    onEvent: (event) => given.progress.chaos(event),
  });
}

interface LoadOutcome {
  readonly name: LoadName;
  readonly request: LoadRequest;
  readonly run: K6RunResult;
  readonly verification: Verification;
  readonly chaos: readonly ChaosEvent[] | undefined;
  /** Kills. */
  readonly promised: number | undefined;
}

export function exitCodeOf(
  outcome: Pick<LoadOutcome, 'verification' | 'promised' | 'chaos'> & { run: { result: LoadResult } },
) {
  const { run, verification, promised = 0, chaos } = outcome;
  if (!isClean(run.result) || verification.result === 'different') return EXIT.fail;
  return verification.result === 'inconclusive' || killsOf(chaos) < promised ? EXIT.inconclusive : EXIT.pass;
}

function killsOf(events: readonly ChaosEvent[] | undefined): number {
  return (events ?? []).filter(({ step }) => step === 'killed').length;
}

function document({ name, request, run, verification, chaos, promised }: LoadOutcome) {
  const { targets, count, concurrency } = request;
  const kills =
    chaos === undefined ? {} : { chaos: { promised_kills: promised, kills: killsOf(chaos), events: chaos } };
  return {
    load: name,
    nodes: targets,
    count,
    concurrency,
    ...run.result,
    ...kills,
    consistency: verification,
    directory: run.directory,
  };
}

function showOutcome(
  context: BombarderContext,
  { request, run, verification, chaos, promised = 0 }: LoadOutcome,
): void {
  const { outColors } = context.terminal;
  for (const line of resultLines(run.result, outColors)) print(context, line);
  if (chaos !== undefined) print(context, row('chaos', chaosLine(chaos, promised)));
  const left = request.targets.filter((url) => !verification.nodes.some((node) => node.url === url));
  const silent =
    left.length === 0 ? '' : outColors.yellow(` (${left.map((url) => new URL(url).host).join(', ')} did not answer)`);
  print(context, row('consistency', verdictOf(context, verification) + silent));
  if (!isClean(run.result)) note(context, `\nk6's log and the history of operations: ${run.directory}`);
}

function chaosLine(events: readonly ChaosEvent[], promised: number): string {
  const kills = killsOf(events);
  const recoveries = events.flatMap(({ recoveryMs }) => recoveryMs ?? []);
  const slowest = recoveries.length === 0 ? '' : `, back within ${(Math.max(...recoveries) / 1000).toFixed(1)} s each`;
  const few = kills < promised ? `: fewer than the ${promised} promised, nothing is concluded` : '';
  return `${kills} ${kills === 1 ? 'kill' : 'kills'}${slowest}${few}`;
}
