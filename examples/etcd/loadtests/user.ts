/** A virtual user of etcd. */
import type { LoadInput } from '../../../loadtests/lib/environment.ts';
import { StoreUser } from '../../../loadtests/lib/user.ts';
import type { Mix } from '../../../loadtests/lib/workload.ts';
import type { EtcdOptions } from './client.ts';
import { EtcdClient } from './client.ts';

export class EtcdUser extends StoreUser {
  /** @param number k6's of the virtual user; 0 in setup() */
  constructor(input: LoadInput, number: number, mix?: Mix, options?: EtcdOptions) {
    super(input, number, (operations, history) => new EtcdClient(input.targets, operations, history, options), mix);
  }
}
