/** A virtual user of the key-value store. */
import type { LoadInput } from '../lib/environment.ts';
import { StoreUser } from '../lib/user.ts';
import type { Mix } from '../lib/workload.ts';
import { KvClient } from './client.ts';

export class KvUser extends StoreUser {
  /** @param number k6's of the virtual user; 0 in setup() */
  constructor(input: LoadInput, number: number, mix?: Mix) {
    super(input, number, (operations, history) => new KvClient(input.targets, operations, history), mix);
  }
}
