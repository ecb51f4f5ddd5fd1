import { v7 as uuidV7 } from 'uuid';
import type { Consistency, KVEntry, KvNodeApi, RequestOptions } from '../api.ts';
import type { Misbehaviour } from './fault-set.ts';

/** `lose-writes`: one in so many. */
const LOST_ONE_IN = 10;

type Altered = Pick<KvNodeApi, 'create' | 'update' | 'delete' | 'get' | 'list'>;

/** A node that treats its clients badly; all else is the real node's. */
export function misbehaving<N extends KvNodeApi>(node: N, misbehaves: (how: Misbehaviour) => boolean): KvNodeApi {
  const altered = new AlteredRequests(node, misbehaves);
  return new Proxy<KvNodeApi>(node, {
    get(_target, name) {
      const owner: object = name in AlteredRequests.prototype ? altered : node;
      const value: unknown = Reflect.get(owner, name, owner);
      return typeof value === 'function' ? value.bind(owner) : value;
    },
  });
}

/** `stale-reads`, `forget-idempotency` and `lose-writes`. */
class AlteredRequests implements Altered {
  readonly #node: KvNodeApi;
  readonly #misbehaves: (how: Misbehaviour) => boolean;
  #writes = 0;

  constructor(node: KvNodeApi, misbehaves: (how: Misbehaviour) => boolean) {
    this.#node = node;
    this.#misbehaves = misbehaves;
  }

  async create(input: Parameters<KvNodeApi['create']>[0], options: RequestOptions): Promise<KVEntry> {
    if (!this.#loses()) return this.#node.create(input, this.#options(options));
    const { node_id, applied_index } = this.#node.status();
    const made = { seq: applied_index, source_node: node_id, created_at: new Date().toISOString() };
    return { id: uuidV7(), ...input, ...made };
  }

  async update(id: string, input: Parameters<KvNodeApi['update']>[1], options: RequestOptions): Promise<KVEntry> {
    if (!this.#loses()) return this.#node.update(id, input, this.#options(options));
    return { ...(await this.#node.get(id, 'linearizable', options)), ...input };
  }

  async delete(id: string, options: RequestOptions): Promise<void> {
    if (this.#loses()) await this.#node.get(id, 'linearizable', options);
    else await this.#node.delete(id, this.#options(options));
  }

  get(id: string, consistency: Consistency, options: RequestOptions): Promise<KVEntry> {
    return this.#node.get(id, this.#consistency(consistency), options);
  }

  list(query: Parameters<KvNodeApi['list']>[0], consistency: Consistency, options: RequestOptions) {
    return this.#node.list(query, this.#consistency(consistency), options);
  }

  #loses(): boolean {
    if (!this.#misbehaves('lose-writes')) return false;
    this.#writes += 1;
    return this.#writes % LOST_ONE_IN === 0;
  }

  #options({ idempotencyKey, ...rest }: RequestOptions): RequestOptions {
    const forgets = idempotencyKey === undefined || this.#misbehaves('forget-idempotency');
    return forgets ? rest : { ...rest, idempotencyKey };
  }

  #consistency(wanted: Consistency): Consistency {
    return this.#misbehaves('stale-reads') ? 'stale' : wanted;
  }
}
