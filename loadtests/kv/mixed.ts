/**
 * All four operations in equal shares, on entries of the user's own and on some that all users share.
 * Source: requirements/lithair-replication-stress.md, "Stress Tests": `mixed --count N`.
 */
import { Contention, sharedEntries } from '../lib/contention.ts';
import { readLoadInput } from '../lib/environment.ts';
import { loadOptions } from '../lib/options.ts';
import { equalWrites } from '../lib/workload.ts';
import { MIXED } from './defaults.ts';
import { KvUser } from './user.ts';

const SHARED = 0.4;

const input = readLoadInput(__ENV, MIXED);
export const options = loadOptions(input);

const user = new KvUser(input, __VU, equalWrites(input.readShare));
const contention = new Contention(user, { shared: SHARED, readShare: input.readShare, nodes: input.targets.length });

/** @returns ids of the entries that all users share */
export function setup(): string[] {
  user.begin();
  return user.createShared(sharedEntries(input));
}

export default function operation(shared: string[]): void {
  user.iterate(() => contention.perform(shared));
}
