import { randomInt, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { v7 as uuidV7 } from 'uuid';
import { ServiceError } from '../../kit/errors.ts';
import type { Logger } from '../../kit/logger.ts';
import type { Metrics } from '../../kit/metrics.ts';
import type {
  Consistency,
  EntryPage,
  KVEntry,
  KvNodeApi,
  LeadershipTransfer,
  ListQuery,
  MembershipResult,
  NodeStatus,
  RaftHealth,
  RequestOptions,
  ResyncAccepted,
  ResyncStats,
  SyncStatus,
} from './api.ts';
import type { KvConfig } from './config.ts';
import type { MembershipChange, NodeId } from './core/raft/types.ts';
import { type Command, encodeCommand } from './core/store/command.ts';
import type { ApplyResult } from './core/store/types.ts';
import { ClusterNode, type ClusterNodeParts } from './driver/cluster-node.ts';

export interface KvNodeParts extends Pick<ClusterNodeParts, 'disk' | 'diskReserveBytes'> {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly version: string;
  /** Called once when the node cannot go on: the message is for a person, the process should end. */
  readonly onFailure: (error: Error) => void;
}
