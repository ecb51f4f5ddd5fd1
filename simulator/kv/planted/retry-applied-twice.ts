import { decodeCommand, encodeCommand } from '../../../services/kv/core/store/command.ts';
import { KvStore } from '../../../services/kv/core/store/store.ts';
import type { PlantedBug } from './types.ts';

/**
 * The state machine ignores idempotency keys: a request that a client repeats because the answer was lost is applied again, over what
 * others have written in the meantime.
 * Forbidden by §6.3 (each command takes effect once, by the client's serial numbers).
 */
export const retryAppliedTwice: PlantedBug = {
  name: 'retry-applied-twice',
  mistake: 'a request that is repeated with its idempotency key is applied again',
  forbiddenBy: '§6.3',
  caughtBy: ['exactly-once'],
  seedsMax: 20,
  variation: () => ({
    makeStore: (chunks, options) => {
      const store = chunks === null ? new KvStore(options) : KvStore.restore(chunks, options);
      return {
        apply: (index, data) => store.apply(index, withoutKey(data)),
        get: (id) => store.get(id),
        hash: () => store.hash(),
        snapshot: (chunkBytes) => store.snapshot(chunkBytes),
      };
    },
  }),
};

function withoutKey(data: Uint8Array): Uint8Array {
  const { idempotencyKey: _, ...command } = decodeCommand(data);
  return encodeCommand(command);
}
