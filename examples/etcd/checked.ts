/** How the checkers look at etcd once the load is over: every entry by linearizable ranges, and the hash of a member's keys. */
import type { SystemCheckers } from '../../kit/system.ts';
import { ask, type EtcdHashKv, type EtcdRange } from './gateway.ts';
import { ENTRIES, ENTRIES_END } from './keys.ts';

const PAGE_ENTRIES = 1000;
const ANSWER_MS_MAX = 5000;

function limited(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
}

const encoded = (bytes: Buffer | string): string => Buffer.from(bytes).toString('base64');

export const checkers = {
  model: 'register',
  /** All pages at the revision of the first one, so that they are one state. */
  async *readAll(nodeUrl, signal) {
    let from: Buffer = Buffer.from(ENTRIES);
    let revision = '0';
    for (;;) {
      const request = { key: encoded(from), range_end: encoded(ENTRIES_END), limit: PAGE_ENTRIES, revision };
      const page = await ask<EtcdRange>(nodeUrl, 'kv/range', request, limited(signal));
      const { kvs = [], more = false } = page;
      for (const { key, value = '' } of kvs)
        yield {
          key: Buffer.from(key, 'base64').toString().slice(ENTRIES.length),
          value: Buffer.from(value, 'base64').toString(),
        };
      const last = kvs.at(-1);
      if (!more || last === undefined) return;
      // Each page's header has the revision of the moment, not the one that was asked for.
      if (revision === '0') revision = page.header.revision;
      from = Buffer.concat([Buffer.from(last.key, 'base64'), Buffer.alloc(1)]);
    }
  },
  /**
   * The revision is to the keys what the applied index is to the log: members with the same one have applied the same writes. The
   * hash covers every key, value and revision since the last compaction.
   */
  async state(nodeUrl, signal) {
    const state = await ask<EtcdHashKv>(nodeUrl, 'maintenance/hashkv', { revision: '0' }, limited(signal));
    const { hash, hash_revision, compact_revision } = state;
    return { appliedIndex: Number(hash_revision), hash: `${hash} since revision ${compact_revision}` };
  },
} satisfies SystemCheckers;
