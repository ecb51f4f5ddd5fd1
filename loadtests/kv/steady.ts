/**
 * Steady mix on the key-value store: create, update, delete, and linearizable reads of the user's own acknowledged writes from
 * another node than the one that acknowledged them. One iteration is one operation, and now and then a look besides.
 */
import { readLoadInput } from '../lib/environment.ts';
import { loadOptions } from '../lib/options.ts';
import { KvUser } from './user.ts';

const input = readLoadInput(__ENV);
export const options = loadOptions(input);

// k6 runs this module once for each virtual user, and for setup(), so what follows is the user's own.
const user = new KvUser(input, __VU);

export function setup(): void {
  user.begin();
}

export default function operation(): void {
  user.iterate(() => user.perform(user.workload.next()));
}
