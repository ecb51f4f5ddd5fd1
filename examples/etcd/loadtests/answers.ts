/** What an answer of the gateway says about the fate of the request. Pure. */

/** gRPC's CANCELLED: the member gave the request up, and its entry may be in the log all the same. */
const CLIENT_CLOSED_REQUEST = 499;
const UNAVAILABLE = 503;

/** To a client that counts on 4xx being final, a request that was given up is one that may be asked again. */
export function statusOf(status: number): number {
  return status === CLIENT_CLOSED_REQUEST ? UNAVAILABLE : status;
}

/**
 * Refusals before anything was proposed to Raft, by message. All others, time-outs above all, leave open what becomes of a write.
 * `database space exceeded` is not among them: the member that is asked may say so before it proposes anything (api/v3rpc/quota.go), but
 * the write that fills the quota is executed, and answered with the same words (apply/apply.go, quotaApplierV3.Txn).
 * Source: etcd v3.6.8, api/v3rpc/rpctypes/error.go, server/etcdserver/v3_server.go (processInternalRaftRequestOnce).
 */
const REFUSALS: readonly string[] = [
  'etcdserver: too many requests',
  'etcdserver: request is too large',
  'etcdserver: no leader',
  'raft proposal dropped',
];

/** @param body of the answer: `{"code":…,"message":"…","details":[]}` */
export function isDefinite(status: number, body: string | null): boolean {
  return status >= 400 && body !== null && REFUSALS.some((message) => body.includes(`"${message}"`));
}

/**
 * Whether the condition of a write said that it, or a later one of its client, has been executed before. An answer to a write is
 * looked through for a word and not parsed: there are half a million of them in a run, and etcd writes them in one form only.
 */
export function isRepeated(body: string): boolean {
  return body.includes('"succeeded":true');
}

/** Whether a delete was executed now, and there was nothing to delete: a count of 0 is left out. */
export function isWithoutEffect(body: string): boolean {
  return body.includes('"response_delete_range"') && !body.includes('"deleted":');
}
