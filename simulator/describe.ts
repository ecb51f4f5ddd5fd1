/** A plan in words, for the person who reads a failure. */
import type { Distribution, Fault, Micros, Plan, Scheduled, Target, Weather } from './types.ts';

export interface Describer {
  /** What a client asks for. */
  operation(operation: Scheduled): string;
  /** What an operator does: of a fault `act`. */
  action(action: unknown): string;
}

/** Nodes, weather, then faults and operations together in the order of their times, one a line. */
export function describePlan(plan: Plan, describer: Describer): string[] {
  const happenings = [
    ...plan.faults.map((fault) => ({ atUs: fault.atUs, text: describeFault(fault, describer) })),
    ...plan.operations.map((operation) => ({ atUs: operation.atUs, text: describer.operation(operation) })),
  ].sort((a, b) => a.atUs - b.atUs);
  const nodes = `${plan.nodes} node${plan.nodes === 1 ? '' : 's'}`;
  return [
    `${nodes}; ${describeWeather(plan.weather)}; all is mended at ${milliseconds(plan.healAtUs)}`,
    ...happenings.map(({ atUs, text }) => `${milliseconds(atUs).padStart(12)}  ${text}`),
  ];
}

function describeWeather({ network, disk, clocks }: Weather): string {
  const share = (name: string, probability: number) => (probability > 0 ? [`${percent(probability)} ${name}`] : []);
  const skewed = clocks.flatMap(({ offsetUs, rate }, i) =>
    offsetUs === 0 && rate === 1
      ? []
      : [`clock ${i + 1} at rate ${rate.toFixed(2)}, ahead by ${milliseconds(offsetUs)}`],
  );
  return [
    `latency ${describeDistribution(network.latency)}`,
    ...share('lost', network.loss),
    ...share('copied', network.duplication),
    ...share('held back', network.reordering),
    ...(network.bytesPerSecond === null ? [] : [`${network.bytesPerSecond} bytes/s`]),
    `fsync ${describeDistribution(disk.sync)}`,
    ...skewed,
  ].join(', ');
}

function describeDistribution(distribution: Distribution): string {
  switch (distribution.kind) {
    case 'constant':
      return milliseconds(distribution.us);
    case 'uniform':
      return `${milliseconds(distribution.minUs)} to ${milliseconds(distribution.maxUs)}`;
    case 'exponential':
      return `${milliseconds(distribution.meanUs)} on average`;
    case 'lognormal':
      return `${milliseconds(distribution.medianUs)} in the middle`;
  }
}

function describeFault(fault: Fault, describer: Describer): string {
  const when = fault.on === undefined ? '' : ` (${milliseconds(fault.on.delayUs)} after the next "${fault.on.signal}")`;
  const lasts = fault.kind === 'act' ? '' : ` for ${milliseconds(fault.forUs)}`;
  return `${whatHappens(fault, describer)}${lasts}${when}`;
}

function whatHappens(fault: Fault, describer: Describer): string {
  switch (fault.kind) {
    case 'blackout':
      return 'blackout of all nodes';
    case 'isolate':
      return `isolate ${describeTarget(fault.target)}, ${fault.direction === 'both' ? 'both ways' : fault.direction}`;
    case 'split':
      return `split off ${percent(fault.share)} of the nodes with ${describeTarget(fault.target)}`;
    case 'flap':
      return `flap the links of ${describeTarget(fault.target)} ${fault.count} times`;
    case 'storm':
      return `storm: ${percent(fault.loss)} lost, ${percent(fault.duplication)} copied, ${percent(fault.reordering)} held back`;
    case 'slowDisk':
      return `fsync of ${describeTarget(fault.target)} takes ${describeDistribution(fault.sync)}`;
    case 'skewClock':
      return `clock of ${describeTarget(fault.target)} runs at rate ${fault.rate.toFixed(2)}, jumps by ${milliseconds(fault.jumpUs)}`;
    case 'act':
      return `operator: ${describer.action(fault.action)}`;
    default:
      return `${WORDS[fault.kind]} ${describeTarget(fault.target)}`;
  }
}

const WORDS = {
  crash: 'crash',
  wipe: 'crash and loss of the disk of',
  flipBit: 'crash and a flipped bit on the disk of',
  pause: 'pause',
  fullDisk: 'full disk of',
} as const;

export function describeTarget(target: Target): string {
  if ('node' in target) return `node ${target.node}`;
  if (target.role === 'signalled') return 'the node that gave the signal';
  return target.role === 'leader'
    ? 'the leader'
    : `${target.role === 'any' ? 'node' : 'follower'} no. ${target.nth + 1}`;
}

export function milliseconds(us: Micros): string {
  return `${(us / 1000).toFixed(3).replace(/\.?0+$/, '')} ms`;
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(2))} %`;
}
