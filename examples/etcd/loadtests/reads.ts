/** Linearizable reads of entries that all users share and nobody changes. */
import { sharedEntries } from '../../../loadtests/lib/contention.ts';
import { readLoadInput } from '../../../loadtests/lib/environment.ts';
import { loadOptions } from '../../../loadtests/lib/options.ts';
import { EtcdUser } from './user.ts';

const input = readLoadInput(__ENV, { count: 1000, concurrency: 50 });
export const options = loadOptions(input);

const user = new EtcdUser(input, __VU);

/** @returns the entries */
export function setup(): string[] {
  user.begin();
  return user.createShared(sharedEntries(input));
}

export default function operation(shared: string[]): void {
  const { random } = user;
  user.iterate(() => user.readShared(shared[random.below(shared.length)]!, random.below(input.targets.length)));
}
