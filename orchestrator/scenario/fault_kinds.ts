/** What each kind of fault takes beside its target. The schema says how each is written, this which of them belong together. */
import {
  type Elsewhere,
  type FaultKind,
  LINK_FAULTS,
  type LinkFaultKind,
  NETWORK_FAULTS,
  NODE_FAULTS,
  type NodeFaultKind,
  OBSERVATION_FAULTS,
  OPERATOR_FAULTS,
  PROCESS_FAULTS,
  type ProcessFaultKind,
  type SystemManifest,
} from '../../kit/system.ts';
import type { FaultParameters } from './types.ts';

export const FAULT_KINDS: readonly FaultKind[] = [
  ...PROCESS_FAULTS,
  ...LINK_FAULTS,
  ...NETWORK_FAULTS,
  ...NODE_FAULTS,
  ...OPERATOR_FAULTS,
  ...OBSERVATION_FAULTS,
];

/** A parameter as a scenario names it. */
export type ParameterName = 'direction' | 'delay' | 'jitter' | 'rate' | 'probability' | 'offset' | 'as';
export const PARAMETER_NAMES: readonly ParameterName[] = [
  'direction',
  'delay',
  'jitter',
  'rate',
  'probability',
  'offset',
  'as',
];

export interface FaultShape {
  readonly needs: readonly ParameterName[];
  readonly takes: readonly ParameterName[];
  /** At least one of them. */
  readonly needsOneOf?: readonly ParameterName[];
}

const NOTHING: FaultShape = { needs: [], takes: [] };
const SHARE: FaultShape = { needs: ['probability'], takes: [] };

export const FAULT_SHAPES: Readonly<Record<FaultKind, FaultShape>> = {
  kill: NOTHING,
  pause: NOTHING,
  restart: NOTHING,
  upgrade: NOTHING,
  partition: { needs: [], takes: ['direction'] },
  latency: { needs: ['delay'], takes: ['jitter', 'direction'] },
  bandwidth: { needs: ['rate'], takes: ['direction'] },
  reset: NOTHING,
  stall: { needs: ['probability'], takes: ['delay', 'direction'] },
  packet_loss: SHARE,
  message_loss: SHARE,
  message_duplication: SHARE,
  message_reordering: SHARE,
  disk_full: NOTHING,
  slow_fsync: { needs: ['delay'], takes: ['probability'] },
  lying_fsync: { needs: [], takes: ['as'] },
  torn_write: NOTHING,
  flipped_bit: NOTHING,
  clock_skew: { needs: [], takes: ['offset', 'rate'], needsOneOf: ['offset', 'rate'] },
  misbehave: { needs: ['as'], takes: [] },
  operate: { needs: ['as'], takes: [] },
  silence: NOTHING,
};

export function isLinkFault(kind: FaultKind): kind is LinkFaultKind {
  return (LINK_FAULTS as readonly FaultKind[]).includes(kind);
}

export function isProcessFault(kind: FaultKind): kind is ProcessFaultKind {
  return (PROCESS_FAULTS as readonly FaultKind[]).includes(kind);
}

export function isNodeFault(kind: FaultKind): kind is NodeFaultKind {
  return (NODE_FAULTS as readonly FaultKind[]).includes(kind);
}

/** The kinds that a system takes. */
export function faultsOf(manifest: SystemManifest): FaultKind[] {
  const candidates: FaultKind[] = [
    ...(manifest.faults ?? []),
    ...LINK_FAULTS,
    ...NETWORK_FAULTS,
    ...(manifest.nodeFaults?.kinds ?? []),
    ...OPERATOR_FAULTS,
    ...OBSERVATION_FAULTS,
  ];
  return candidates.filter((kind) => lackFor(kind, manifest) === undefined);
}

type Hook = Exclude<keyof Elsewhere, 'targets'>;

const HOOKS: Readonly<Record<Exclude<ProcessFaultKind, 'upgrade'>, readonly Hook[]>> = {
  kill: ['kill', 'start'],
  pause: ['pause', 'resume'],
  restart: ['stop', 'start'],
};

/** The hooks that nodes elsewhere lack for a fault of processes; null when no hook would do. */
export function missingHooks(kind: ProcessFaultKind, elsewhere: Elsewhere | undefined): readonly Hook[] | null {
  return kind === 'upgrade' ? null : HOOKS[kind].filter((hook) => elsewhere?.[hook] === undefined);
}

/** What the manifest would need to take the fault, in words; undefined when it takes it. */
export function lackFor(kind: FaultKind, manifest: SystemManifest): string | undefined {
  const { start, elsewhere, faults = [], links, nodeFaults, rejoin, operations } = manifest;
  if (isProcessFault(kind)) {
    const hooks = start === undefined ? missingHooks(kind, elsewhere) : [];
    if (hooks === null) return '`start`';
    const lacking = hooks.map((hook) => `\`elsewhere.${hook}\``);
    return all([...(faults.includes(kind) ? [] : [`"${kind}" in \`faults\``]), ...lacking]);
  }
  if (kind === 'operate') return all(operations === undefined ? ['`operations`'] : []);
  if (kind === 'silence') return undefined;
  // What stands between the nodes, and what they obey, is there before they start.
  const started = start === undefined ? ['`start`'] : [];
  if (!isNodeFault(kind)) return all([...(links === undefined ? ['`links`'] : []), ...started]);
  return all([
    ...(nodeFaults?.kinds.includes(kind) ? [] : [`"${kind}" in \`nodeFaults.kinds\``]),
    ...(kind === 'flipped_bit' && rejoin === undefined ? ['`rejoin`'] : []),
    ...started,
  ]);
}

function all(needed: readonly string[]): string | undefined {
  return needed.length === 0 ? undefined : needed.join(' and ');
}

/** For people: `5%, 200ms`; empty when there are none. */
export function describeParameters(parameters: FaultParameters): string {
  const { direction, delayMs, jitterMs, bytesPerSecond, probability, offsetMs, rate, as } = parameters;
  return [
    as,
    direction && direction !== 'both' && `${direction} only`,
    probability !== undefined && `${Number((probability * 100).toPrecision(6))}%`,
    delayMs !== undefined && `${delayMs} ms${jitterMs ? ` ± ${jitterMs} ms` : ''}`,
    bytesPerSecond !== undefined && `${bytesPerSecond / 1000} KB/s`,
    offsetMs !== undefined && `${offsetMs > 0 ? '+' : ''}${offsetMs} ms`,
    rate !== undefined && `× ${rate}`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** How often a plan is injected in all. */
export function injectionsOf(plan: { readonly repeat?: { readonly count: number } }): number {
  return plan.repeat?.count ?? 1;
}
