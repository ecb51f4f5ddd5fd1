/**
 * Rapid concurrent creates, all to the leader.
 * Source: requirements/lithair-replication-stress.md, "Stress Tests": `flood --count 100 --concurrency 10`.
 */
import { readLoadInput } from '../lib/environment.ts';
import { loadOptions } from '../lib/options.ts';
import { FLOOD } from './defaults.ts';
import { findLeader } from './leader.ts';
import { KvUser } from './user.ts';

const input = readLoadInput(__ENV, FLOOD);
export const options = loadOptions(input);

const user = new KvUser(input, __VU);

/** @returns index of the leader, handed to every user; null when nobody leads now, and then any node will do */
export function setup(): number | null {
  user.begin();
  return findLeader(input.targets);
}

export default function operation(leader: number | null): void {
  user.iterate(() => user.create(user.workload.newEntry(), leader ?? undefined));
}
