/**
 * Writes in bursts with pauses between them, at any node.
 * Source: requirements/lithair-replication-stress.md, "Stress Tests": `burst --size N --bursts B --pause MS`.
 */
import { readLoadInput } from '../lib/environment.ts';
import { loadOptions } from '../lib/options.ts';
import { BURST } from './defaults.ts';
import { KvUser } from './user.ts';

const input = readLoadInput(__ENV, BURST);
export const options = loadOptions(input);

const user = new KvUser(input, __VU);

export function setup(): void {
  user.begin();
}

export default function operation(): void {
  user.iterate(() => user.create(user.workload.newEntry()));
}
