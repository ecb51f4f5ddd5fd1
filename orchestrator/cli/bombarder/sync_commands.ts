/** `cluster sync-status` and `cluster resync`: what a person does when a node lags or came back. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FollowerSync, SyncStatus } from '../../../services/kv/api.ts';
import { formatDuration } from '../../scenario/units.ts';
import { note, print, printJson } from '../context.ts';
import { EXIT, type ExitCode } from '../exit_code.ts';
import type { Colors } from '../terminal.ts';
import { nodesOf } from './cluster_commands.ts';
import type { BombarderContext } from './context.ts';
import { NodeClient } from './node_client.ts';
import { type Verification, verify } from './verify.ts';

const FIND_WITHIN_MS = 5000;
const RESYNC_WITHIN_MS = 30_000;
const POLL_MS = 100;

/** No node could be asked, or none knows a leader. */
export class SyncError extends Error {
  readonly code: 'UNREACHABLE' | 'NO_LEADER' | 'RESYNC_REFUSED';
  constructor(code: SyncError['code'], message: string) {
    super(message);
    this.name = 'SyncError';
    this.code = code;
  }
}

export async function syncStatusCommand(
  context: BombarderContext,
  flags: { readonly leader?: string; readonly json: boolean },
): Promise<ExitCode> {
  const { sync, leader } = await findSync(context, flags.leader);
  if (flags.json) {
    printJson(context, { leader_url: leader.url, ...sync });
    return EXIT.pass;
  }
  const { term, commit_index, leader_id } = sync;
  print(context, `Leader ${leader.address} (node ${leader_id}), term ${term}, commit index ${commit_index}`);
  for (const line of syncLines(sync.followers, context.terminal.outColors)) print(context, line);
  for (const follower of sync.followers) {
    const hint = hintOf(follower, leader.url);
    if (hint !== undefined) note(context, hint);
  }
  return EXIT.pass;
}

/** `  127.0.0.1:8082 (desynced)   - Last replicated: 50  | Lag: 100`. Source: requirements/lithair-replication-stress.md. */
export function syncLines(followers: readonly FollowerSync[], colors: Colors): string[] {
  const addressWidth = Math.max(...followers.map(({ address }) => address.length));
  const statusWidth = Math.max(12, ...followers.map(({ status }) => status.length + 2));
  const indexWidth = Math.max(...followers.map((follower) => replicated(follower).index.length));
  return followers.map((follower) => {
    const { address, status } = follower;
    const { index, lag } = replicated(follower);
    const paint = { healthy: colors.green, desynced: colors.red }[status as string] ?? colors.yellow;
    const state = paint(`(${status})`.padEnd(statusWidth));
    return `  ${address.padEnd(addressWidth)} ${state} - Last replicated: ${index.padEnd(indexWidth)} | Lag: ${lag}`;
  });
}

/** What a leader knows of a follower's log it has heard since it leads (thesis, Figure 3.1: matchIndex begins at 0). */
export function isUnheard({ status, last_replicated_index }: FollowerSync): boolean {
  return status === 'desynced' && last_replicated_index === 0;
}

function replicated(follower: FollowerSync): { index: string; lag: string } {
  if (isUnheard(follower)) return { index: 'unknown', lag: 'unknown' };
  return { index: String(follower.last_replicated_index), lag: String(follower.lag) };
}

function hintOf(follower: FollowerSync, leader: string): string | undefined {
  const { address, status, last_contact_ms, snapshot } = follower;
  if (status === 'desynced') {
    const silent = last_contact_ms === null ? null : formatDuration(round(last_contact_ms));
    const heard = isUnheard(follower) ? `has not answered this leader for ${silent}` : `was last heard ${silent} ago`;
    const since = silent === null ? 'was never heard' : heard;
    return `${address} ${since}. If it is down, start it: it catches up by itself. If it runs: npx bombarder cluster resync --leader ${leader} --target ${address}`;
  }
  if (snapshot !== undefined)
    return `${address} takes a snapshot: ${snapshot.bytes_sent} of ${snapshot.bytes_total} bytes`;
  return undefined;
}

function round(milliseconds: number): number {
  return Math.round(milliseconds / 100) * 100;
}

export async function resyncCommand(
  context: BombarderContext,
  flags: { readonly leader?: string; readonly target: string; readonly json: boolean },
): Promise<ExitCode> {
  const { leader } = await findSync(context, flags.leader);
  const target = new NodeClient(`http://${flags.target}`);
  const before = { received: await received(target), sent: await sent(leader) };
  if (before.received === undefined) {
    throw new SyncError(
      'UNREACHABLE',
      `${target.address} does not answer: a node has to run to be resynced; when it is started it catches up by itself`,
    );
  }
  const startedAt = performance.now();
  const accepted = await leader.forceResync(target.address);
  if (accepted === undefined)
    throw new SyncError('UNREACHABLE', `${leader.address} did not answer: does it still lead?`);
  if ('error' in accepted) throw new SyncError('RESYNC_REFUSED', `${leader.address} refused: ${accepted.error}`);
  note(context, `a snapshot at index ${accepted.snapshot_index} is on its way to ${target.address}`);
  const counts = { received: before.received, sent: before.sent ?? 0 };
  const end = await untilResynced(context, { leader, target, counts });
  const seconds = Math.round(performance.now() - startedAt) / 1000;
  const { result } = await verify([leader.url, target.url], context.signals.signal);
  const good = end.how !== 'missing' && end.follower?.status === 'healthy' && result === 'equal';
  if (flags.json) printJson(context, { ...accepted, ...end, state: result, resynced: good, seconds });
  else print(context, resyncSentence(context, { target: target.address, end, state: result, seconds }));
  return good ? EXIT.pass : EXIT.fail;
}

interface ResyncEnd {
  /** `needless`: the node had all that the snapshot holds, and told the leader so. */
  readonly how: 'installed' | 'needless' | 'missing';
  readonly follower: FollowerSync | null;
}

/** Until the target has taken the snapshot, or has said that it needs none, and follows again. */
async function untilResynced(
  context: BombarderContext,
  given: {
    readonly leader: NodeClient;
    readonly target: NodeClient;
    readonly counts: { readonly received: number; readonly sent: number };
  },
): Promise<ResyncEnd> {
  const { leader, target, counts } = given;
  const deadline = performance.now() + RESYNC_WITHIN_MS;
  for (;;) {
    context.signals.signal.throwIfAborted();
    const [atTarget, atLeader, sync] = await Promise.all([received(target), sent(leader), leader.syncStatus()]);
    const follower = sync?.followers.find(({ address }) => address === target.address) ?? null;
    const installed = (atTarget ?? 0) > counts.received;
    const done = installed || (atLeader ?? 0) > counts.sent;
    const how = installed ? 'installed' : done ? 'needless' : 'missing';
    if ((done && follower?.status === 'healthy') || performance.now() > deadline) return { how, follower };
    await delay(POLL_MS);
  }
}

async function received(node: NodeClient): Promise<number | undefined> {
  return (await node.resyncStats())?.snapshots_received;
}

async function sent(node: NodeClient): Promise<number | undefined> {
  return (await node.resyncStats())?.snapshots_sent;
}

function resyncSentence(
  context: BombarderContext,
  given: { target: string; end: ResyncEnd; state: Verification['result']; seconds: number },
): string {
  const { outColors } = context.terminal;
  const { target, end, state, seconds } = given;
  const { how, follower } = end;
  const within = `(${seconds.toFixed(1)} s)`;
  if (how === 'missing') return outColors.red(`✘ ${target} has not taken the snapshot ${within}: see its log`);
  const what = how === 'installed' ? 'took the snapshot' : 'had everything that the snapshot holds';
  if (follower?.status !== 'healthy')
    return outColors.yellow(
      `? ${target} ${what} and is ${follower?.status ?? 'no member'} ${within}: look again with sync-status`,
    );
  const held = `${target} ${what}, is healthy, lag ${follower.lag}`;
  switch (state) {
    case 'equal':
      return outColors.green(`✔ ${held}, with the state of the leader ${within}`);
    case 'different':
      return outColors.red(
        `✘ ${held}, but its STATE DIFFERS from the leader's: a snapshot does not replace what a node has applied. ` +
          'Keep its data for the search, and start it with an empty directory under a new id (services/kv/README.md)',
      );
    case 'inconclusive':
      return outColors.yellow(`? ${held}; its state could not be compared with the leader's ${within}`);
  }
}

/** The leader and its view, found by way of `url`, which may be a follower, or else of the known nodes. An election is waited for. */
async function findSync(
  context: BombarderContext,
  url: string | undefined,
): Promise<{ readonly sync: SyncStatus; readonly leader: NodeClient }> {
  const local = await nodesOf(context, undefined);
  // Whoever asks a member that has just died still wants to know.
  const known = url === undefined || local.includes(url) ? local : [url];
  if (url !== undefined && local.includes(url) && (await new NodeClient(url).status()) === undefined)
    note(context, `${new URL(url).host} does not answer; asking the other nodes`);
  const deadline = performance.now() + FIND_WITHIN_MS;
  for (;;) {
    context.signals.signal.throwIfAborted();
    const statuses = await Promise.all(known.map((each) => new NodeClient(each).status()));
    if (statuses.every((status) => status === undefined)) throw unreachable(known, url);
    const leaderUrl = statuses.find((status) => status?.leader_url)?.leader_url;
    const found = leaderUrl ? await askLeader(new NodeClient(leaderUrl)) : undefined;
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw noLeader(known);
    await delay(POLL_MS);
  }
}

/** Undefined when it does not lead any more. */
async function askLeader(leader: NodeClient) {
  const [status, sync] = await Promise.all([leader.status(), leader.syncStatus()]);
  return status?.is_leader && sync !== undefined ? { sync, leader } : undefined;
}

function unreachable(known: readonly string[], url: string | undefined): SyncError {
  const hosts = known.map((each) => new URL(each).host).join(', ');
  const remedy =
    url === undefined ? 'npx bombarder cluster start' : 'name a node that runs: --leader takes any of them';
  return new SyncError('UNREACHABLE', `no answer from ${hosts}: ${remedy}`);
}

function noLeader(known: readonly string[]): SyncError {
  const hosts = known.map((each) => new URL(each).host).join(', ');
  return new SyncError(
    'NO_LEADER',
    `${hosts}: no leader for ${FIND_WITHIN_MS / 1000} s. A majority of the nodes has to run: npx bombarder cluster status`,
  );
}
