/**
 * Steady mix: create, update, delete, and linearizable reads of the user's own acknowledged writes from another member than the
 * one that acknowledged them.
 */
import { readLoadInput } from '../../../loadtests/lib/environment.ts';
import { loadOptions } from '../../../loadtests/lib/options.ts';
import { EtcdUser } from './user.ts';

const input = readLoadInput(__ENV);
export const options = loadOptions(input);

// k6 runs this module once for each virtual user, and for setup(), so what follows is the user's own.
const user = new EtcdUser(input, __VU);

export function setup(): void {
  user.begin();
}

export default function operation(): void {
  user.iterate(() => user.perform(user.workload.next()));
}
