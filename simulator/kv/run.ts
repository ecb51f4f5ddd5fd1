import type { Message } from '../../services/kv/core/raft/types.ts';
import { simulate } from '../run.ts';
import type { Outcome, RunOptions } from '../types.ts';
import { KvDriver } from './driver.ts';
import { raftMessages } from './messages.ts';
import type { KvAction, KvOperation, KvPlan, KvVariation } from './types.ts';

export interface KvRunOptions extends RunOptions {
  /** A planted bug; default: the product as it is. */
  readonly variation?: KvVariation;
}

/** Runs Raft and the key-value store by a plan. */
export function runKv(plan: KvPlan, options: KvRunOptions = {}): Outcome {
  return simulate<Message, KvOperation, KvAction>(
    plan,
    raftMessages,
    (world) => new KvDriver(world, plan, options.variation ?? {}),
    options,
  );
}
