/** Creates whose values are a megabyte each: they fill the database, and every fsync of the log has as much to write. */
import { readLoadInput } from '../../../loadtests/lib/environment.ts';
import { loadOptions } from '../../../loadtests/lib/options.ts';
import { EtcdUser } from './user.ts';

const input = readLoadInput(__ENV, { count: 50, concurrency: 4 });
export const options = loadOptions(input);

/** Below etcd's limit of 1.5 MiB for a request, in which it is base64 only on its way. */
const PADDING = 'x'.repeat(1_000_000);

const user = new EtcdUser(input, __VU);

export function setup(): void {
  user.begin();
}

export default function operation(): void {
  const { key, value } = user.workload.newEntry();
  user.iterate(() => user.create({ key, value: value + PADDING }));
}
