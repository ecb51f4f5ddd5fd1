import { Prng } from '../../kit/prng.ts';
import type { Micros, Target } from '../types.ts';
import { generateWeather } from '../weather.ts';
import { generateFaults } from './fault-schedules.ts';
import type { KvOperation, KvPlan, KvSetup } from './types.ts';

export interface KvPlanOptions {
  /** Requests of clients; default 300. */
  readonly operations?: number;
  /** From the first request until everything is mended; default 8 s of virtual time. */
  readonly spanUs?: Micros;
}

/** Nothing happens before: the first leader is being elected. */
const START_US = 500_000;
/** A mended cluster must be well and at rest after this long. */
const RECOVER_WITHIN_US = 20_000_000;

/** The plan of a seed: cluster, climate, requests and faults. The same options and seed give the same plan. */
export function generateKvPlan(seed: number, options: KvPlanOptions = {}): KvPlan {
  const random = new Prng(seed).fork('kv plan');
  const nodes = random.pick([3, 3, 3, 4, 5, 5]);
  const setup = generateSetup(random.fork('setup'));
  const spanUs = options.spanUs ?? 8_000_000;
  const healAtUs = START_US + spanUs;
  return {
    seed,
    nodes,
    setup,
    weather: generateWeather(random.fork('weather'), nodes),
    operations: generateOperations(random.fork('operations'), options.operations ?? 300, spanUs),
    faults: generateFaults(random.fork('faults'), START_US, healAtUs),
    healAtUs,
    recoverWithinUs: RECOVER_WITHIN_US,
  };
}

function generateSetup(random: Prng): KvSetup {
  return {
    raft: {
      electionTicks: random.pick([10, 10, 15]),
      heartbeatTicks: random.pick([1, 2, 3]),
      appendBytesMax: random.pick([150, 150, 64 * 1024]),
      appendsInflightMax: random.pick([1, 4, 64]),
      uncommittedBytesMax: random.pick([4096, 1 << 20, 1 << 20]),
      snapshotChunkBytes: random.pick([256, 1024, 16 * 1024]),
      preVote: random.integer(0, 8) > 0,
      checkQuorum: random.integer(0, 8) > 0,
      entriesKeptAfterSnapshot: random.pick([0, 3, 20, 100]),
    },
    tickUs: random.pick([10_000, 20_000]),
    turnUs: random.pick([1, 50, 500]),
    snapshotEntries: random.pick([8, 20, 100]),
    segmentRecords: random.pick([3, 10, 50]),
    rememberedMax: 100_000,
    attemptUs: random.pick([300_000, 700_000, 2_000_000]),
    answerLoss: random.pick([0, 0.02]),
    connectionsBreak: random.integer(0, 2) === 0,
  };
}

function generateOperations(random: Prng, count: number, spanUs: Micros): KvOperation[] {
  const registers = random.pick([1, 3, 10]);
  const readShare = random.pick([0.3, 0.5, 0.7]);
  // Requests come one by one, or in bursts that share group commits.
  const burst = random.pick([1, 1, 4, 16]);
  const times = Array.from({ length: Math.ceil(count / burst) }, () => START_US + random.integer(0, spanUs));
  times.sort((a, b) => a - b);
  return Array.from({ length: count }, (_, i) => {
    const register = random.integer(0, registers);
    const type =
      random.float() < readShare ? 'read' : random.pick(['create', 'update', 'update', 'update', 'delete'] as const);
    const value = type === 'create' || type === 'update' ? `v${i}` : null;
    const node: Target =
      random.integer(0, 4) === 0 ? { role: 'leader', nth: 0 } : { role: 'any', nth: random.integer(0, 60) };
    return { atUs: times[Math.floor(i / burst)]!, type, register, value, node, idempotent: random.integer(0, 4) > 0 };
  });
}
