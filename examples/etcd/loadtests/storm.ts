/** Random operations at random members by many users at once, three in five on entries that all users share. */
import { Contention, sharedEntries } from '../../../loadtests/lib/contention.ts';
import { readLoadInput } from '../../../loadtests/lib/environment.ts';
import { loadOptions } from '../../../loadtests/lib/options.ts';
import { steadyMix } from '../../../loadtests/lib/workload.ts';
import { EtcdUser } from './user.ts';

const SHARED = 0.6;

const input = readLoadInput(__ENV, { count: 500, concurrency: 50 });
export const options = loadOptions(input);

const { readShare, targets } = input;
const user = new EtcdUser(input, __VU, steadyMix(readShare));
const contention = new Contention(user, { shared: SHARED, readShare, nodes: targets.length });

/** @returns the entries that all users share */
export function setup(): string[] {
  user.begin();
  return user.createShared(sharedEntries(input));
}

export default function operation(shared: string[]): void {
  user.iterate(() => contention.perform(shared));
}
