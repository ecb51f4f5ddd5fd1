import { generateKvPlan } from './plan.ts';
import { runKv } from './run.ts';

export interface RaftSpeed {
  /** Messages between nodes that were delivered, all checks included, for each second of processor time of one thread. */
  readonly messagesPerSecond: number;
  readonly eventsPerSecond: number;
  /** How much faster than life: virtual seconds for each second of processor time. */
  readonly acceleration: number;
  readonly messages: number;
  readonly seconds: number;
}

/** Seeds that are run before, until the program is compiled. */
const WARM_UP_SEEDS = 60;

/**
 * How fast the simulator runs Raft and the key-value store: the plans of seeds 1 … `seeds`, as the test of a thousand seeds runs them.
 * Processor time of this process counts, so that other work on the machine does not.
 */
export function measureRaft(seeds: number): RaftSpeed {
  for (let seed = 1; seed <= WARM_UP_SEEDS; seed++) runKv(generateKvPlan(seed));
  const before = process.cpuUsage();
  let messages = 0;
  let events = 0;
  let virtualUs = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const outcome = runKv(generateKvPlan(seed));
    messages += outcome.messages;
    events += outcome.events;
    virtualUs += outcome.endUs;
  }
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  return {
    messagesPerSecond: messages / seconds,
    eventsPerSecond: events / seconds,
    acceleration: virtualUs / 1e6 / seconds,
    messages,
    seconds,
  };
}
