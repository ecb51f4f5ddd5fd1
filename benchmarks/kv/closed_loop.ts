/** Clients with one request under way each: what the sides can do at most, beside each other, and how fast they answer one alone. */
import type { Metric } from '../bench.ts';
import { buildGrpcClient, measureGrpc } from './grpc.ts';
import { type Load, type Measured, measureLoad } from './load.ts';
import { inPairs, medianOf } from './pairs.ts';
import type { Findings, Plan } from './plan.ts';
import type { Side } from './sides.ts';
import { CLIENTS, compared, ENTRIES, WORKLOADS, type WorkloadName } from './workloads.ts';

export const CLOSED_LOOP_METRICS: readonly string[] = Object.values(WORKLOADS).flatMap(({ figures, besideGrpc }) =>
  [...figures, ...besideGrpc].map(({ metric }) => metric),
);

/** Times what is measured: of a fresh process, and of one that has had another load. V8 still compiles after ten seconds of load. */
const WARM_UP = { start: 5, another: 2 };
/** What the system itself does beside the benchmark is below this. */
const OTHERS_CORES_MAX = 0.2;

export interface ClosedLoop extends Findings {
  /** Median writes per second of etcd; undefined when writes were not measured. */
  readonly etcdPeak: number | undefined;
}

type ByWorkload = Readonly<Partial<Record<WorkloadName, Measured>>>;

/** What was measured at one cluster. */
interface Visit {
  readonly http: ByWorkload;
  /** Of etcd, where there is Go. */
  readonly grpc: ByWorkload;
}

/** @param needsPeak whether etcd's peak is needed, whatever was asked for */
export async function measureClosedLoop(plan: Plan, needsPeak: boolean): Promise<ClosedLoop> {
  const all = Object.keys(WORKLOADS) as WorkloadName[];
  const wanted = (figures: readonly { readonly metric: string }[]) => figures.some(({ metric }) => plan.wants(metric));
  const byGrpc = all.filter((name) => wanted(WORKLOADS[name].besideGrpc));
  const byHttp = all.filter(
    (name) => wanted(WORKLOADS[name].figures) || byGrpc.includes(name) || (name === 'writes' && needsPeak),
  );
  if (byHttp.length === 0) return { metrics: [], notes: [], etcdPeak: undefined };
  const grpcClient = byGrpc.length === 0 ? null : await buildGrpcClient();
  const visits = await inPairs(plan.pairs, async (name, pair) => {
    await using side = await plan.start(name);
    const keysFile = await side.prefill(ENTRIES, plan.context.signal);
    const http = await measureHttp(side, byHttp, keysFile, plan);
    const grpc =
      name === 'etcd' && grpcClient !== null ? await measureByGrpc(grpcClient, side, byGrpc, keysFile, plan) : {};
    plan.context.onProgress(`pair ${pair + 1} of ${plan.pairs}, ${name}: ${inWords(http)}`);
    return { http, grpc };
  });
  const findings = byHttp.map((name) => findingsOf(name, visits.kv, visits.etcd));
  const noGo = byGrpc.length > 0 && grpcClient === null;
  return {
    metrics: findings.flatMap(({ metrics }) => metrics),
    notes: [
      ...disturbance([...visits.kv, ...visits.etcd].flatMap(({ http }) => Object.values(http))),
      ...findings.flatMap(({ notes }) => notes),
      ...(noGo ? ['etcd was not measured by gRPC: its client is built with Go, and Go is not on the PATH'] : []),
    ],
    etcdPeak: byHttp.includes('writes') ? medianOf(visits.etcd, ({ http }) => http.writes!.perSecond) : undefined,
  };
}

/** Every kind of operation is warmed up before it is measured for the first time; what the warm-up measures is dropped. */
async function measureHttp(
  side: Side,
  names: readonly WorkloadName[],
  keysFile: string,
  plan: Plan,
): Promise<ByWorkload> {
  const warm = new Set<Load['operation']>();
  const measured: Partial<Record<WorkloadName, Measured>> = {};
  for (const name of names) {
    const { operation, clients } = WORKLOADS[name];
    if (!warm.has(operation)) await warmUp(side, operation, keysFile, plan, warm.size === 0 ? 'start' : 'another');
    warm.add(operation);
    measured[name] = await measureLoad(side, { operation, clients, seconds: plan.seconds, keysFile }, plan.programs);
  }
  return measured;
}

export async function warmUp(
  side: Side,
  operation: Load['operation'],
  keysFile: string,
  { seconds, programs }: Plan,
  after: keyof typeof WARM_UP,
): Promise<void> {
  const load = { operation, clients: CLIENTS, seconds: WARM_UP[after] * seconds, keysFile };
  await measureLoad(side, load, programs);
}

async function measureByGrpc(
  client: string,
  side: Side,
  names: readonly WorkloadName[],
  keysFile: string,
  { seconds, programs }: Plan,
): Promise<ByWorkload> {
  const measured: Partial<Record<WorkloadName, Measured>> = {};
  for (const name of names) {
    const { operation, clients } = WORKLOADS[name];
    measured[name] = await measureGrpc(client, side, { operation, clients, seconds, keysFile }, programs);
  }
  return measured;
}

function findingsOf(name: WorkloadName, kv: readonly Visit[], etcd: readonly Visit[]): Findings {
  const { figures, besideGrpc } = WORKLOADS[name];
  const series = {
    kv: kv.map(({ http }) => http[name]!),
    etcd: etcd.map(({ http }) => http[name]!),
    'etcd by gRPC': etcd.flatMap(({ grpc }) => grpc[name] ?? []),
  };
  const byGrpc = series['etcd by gRPC'];
  const metrics: Metric[] = [
    ...compared(figures, series.kv, 'etcd', series.etcd),
    ...(byGrpc.length === 0 ? [] : compared(besideGrpc, series.kv, 'etcd by gRPC', byGrpc)),
  ];
  return { metrics, notes: notesOf(name, series) };
}

/** Every pair's own figure, so that the spread is seen, and which nodes were asked how often. */
function notesOf(name: WorkloadName, series: Readonly<Record<string, readonly Measured[]>>): string[] {
  const sides = Object.entries(series).filter(([, each]) => each.length > 0);
  const byPair = (say: (measured: Measured) => string) =>
    sides.map(([side, each]) => `${side} ${each.map(say).join(', ')}`).join('; ');
  const failures = sides.some(([, each]) => each.some((measured) => measured.failures > 0));
  return [
    `${name}, operations/s by pair: ${byPair(({ perSecond }) => Math.round(perSecond).toLocaleString('en'))}`,
    `${name}, cores taken by others by pair: ${byPair(({ usage, seconds }) => (usage.others / seconds).toFixed(2))}`,
    `${name}, requests to node 0/1/2 by pair: ${byPair(({ byNode }) => byNode.join('/'))}`,
    ...(failures
      ? [`${name}, operations that failed by pair: ${byPair((measured) => String(measured.failures))}`]
      : []),
  ];
}

/** A warning when somebody else used the machine: then the figures are of that, too. */
export function disturbance(measured: readonly Measured[]): string[] {
  const cores = medianOf(measured, ({ usage, seconds }) => usage.others / seconds);
  if (!(cores > OTHERS_CORES_MAX)) return [];
  return [`the machine was not quiet: others took ${cores.toFixed(2)} cores; measure again when they do not`];
}

function inWords(measured: ByWorkload): string {
  return Object.entries(measured)
    .map(([name, { perSecond, p50Seconds, p99Seconds }]) => {
      const [p50, p99] = [p50Seconds, p99Seconds].map((seconds) => (seconds * 1000).toFixed(1));
      return `${name} ${Math.round(perSecond).toLocaleString('en')}/s (p50 ${p50} ms, p99 ${p99} ms)`;
    })
    .join(', ');
}
