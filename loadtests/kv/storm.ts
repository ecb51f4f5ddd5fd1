/**
 * Random operations at random nodes by many users at once, most of them on entries that all users share, so that several contend
 * for each.
 * Source: requirements/lithair-replication-stress.md, "Stress Tests": `storm --count 500 --concurrency 50 --read-pct P`.
 */
import { Contention, sharedEntries } from '../lib/contention.ts';
import { readLoadInput } from '../lib/environment.ts';
import { loadOptions } from '../lib/options.ts';
import { steadyMix } from '../lib/workload.ts';
import { STORM } from './defaults.ts';
import { KvUser } from './user.ts';

const SHARED = 0.6;

const input = readLoadInput(__ENV, STORM);
export const options = loadOptions(input);

const user = new KvUser(input, __VU, steadyMix(input.readShare));
const contention = new Contention(user, { shared: SHARED, readShare: input.readShare, nodes: input.targets.length });

/** @returns ids of the entries that all users share */
export function setup(): string[] {
  user.begin();
  return user.createShared(sharedEntries(input));
}

export default function operation(shared: string[]): void {
  user.iterate(() => contention.perform(shared));
}
