import { randomInt, randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ServiceError } from '../../../kit/errors.ts';
import type { Logger } from '../../../kit/logger.ts';
import type { MemberAddress } from '../addresses.ts';
import type { KvConfig } from '../config.ts';
import type { Membership } from '../core/raft/types.ts';
import type { KvMetrics } from '../metrics.ts';
import { type Disk, FileSystemDisk } from '../storage/disk.ts';
import type { Identity } from '../storage/identity.ts';
import { DirectoryLock } from '../storage/lock.ts';
import { foundLog, openStorage, type Storage } from '../storage/storage.ts';
import { obtainCertificates } from '../transport/certificates.ts';
import { TlsTransport, type Transport } from '../transport/transport.ts';
import { Admission, firstMembership } from './admission.ts';
import { Conditions } from './conditions.ts';
import { type Decorators, UNDECORATED } from './decorators.ts';
import { Departures } from './departures.ts';
import { DISK_RESERVE_BYTES, DiskSpace } from './disk-space.ts';
import type { FirstMembers } from './formation.ts';
import { showGauges, showSpace } from './gauges.ts';
import { LeaderCalls } from './leader-calls.ts';
import { LeaderDuties } from './leader-duties.ts';
import { Member } from './member.ts';
import { formatMember, type MemberRecord, peerPlaces } from './members.ts';
import { PeerDesk } from './peer-desk.ts';
import { RaftJournal } from './raft-journal.ts';
import { bestSuccessor } from './views.ts';

export interface ClusterNodeParts {
  readonly logger: Logger;
  readonly metrics: KvMetrics;
  /** Called once when the node cannot go on. */
  readonly onFailure: (error: Error) => void;
  /** The real disk unless a test says otherwise. */
  readonly disk?: Disk;
  readonly diskReserveBytes?: number;
  /** Nothing, unless faults are to be made. */
  readonly decorators?: Decorators;
}

/** Bytes of entries in one append. Small enough to leave room for heartbeats on the same stream. */
const APPEND_BYTES_MAX = 256 * 1024;
const APPENDS_INFLIGHT_MAX = 32;
const UNCOMMITTED_BYTES_MAX = 64 * 1024 * 1024;
/** One chunk is under way at a time, so each costs a round trip and what both disks take for it. */
const SNAPSHOT_CHUNK_BYTES = 1024 * 1024;
/** A snapshot is also due after so many bytes of commands. */
const SNAPSHOT_LOG_BYTES = 64 * 1024 * 1024;
const SECOND_MS = 1000;
/**
 * A node that has nothing to do sleeps at most so many ticks: what comes up without a turn of Raft's is looked at so late. Fewer than between
 * two heartbeats, and an idle leader would wake in between for nothing.
 */
const REST_TICKS_MAX = 7;
/** How long a leader that stops tries to hand over. */
const FAREWELL_MS = 1000;

/** For so many election time-outs a member that was removed is still connected: the leader serves it for one. */
const FAREWELL_TIMEOUTS = 2;

/** What was opened for a node, in order; closed in reverse. */
interface Opened {
  readonly lock: DirectoryLock;
  readonly disk: Disk;
  readonly storage: Storage;
  readonly transport: Transport;
}

/**
 * A node with its directory, its listener for peers and, once it belongs to a cluster, its part in Raft. Time comes in here: one interval
 * drives everything.
 */
export class ClusterNode {
  readonly space: DiskSpace;
  readonly conditions = new Conditions(now);
  readonly journal: RaftJournal;
  readonly calls: LeaderCalls;
  readonly transport: Transport;
  readonly #config: KvConfig;
  readonly #parts: ClusterNodeParts;
  readonly #decorators: Decorators;
  readonly #opened: Opened;
  readonly #admission: Admission;
  readonly #abort = new AbortController();
  readonly #departures: Departures;
  #identity: Identity;
  #member: Member | null = null;
  #duties: LeaderDuties | null = null;
  #ticker: NodeJS.Timeout;
  /** Ticks until the next waking, those left out that Raft knows of; and when the first of them began. */
  #restTicks = 1;
  #restingMs = now();
  #ticksDue = 0;
  #tickedMs = now();
  #secondMs = 0;
  #failed = false;
  #closing: Promise<void> | null = null;

  private constructor(
    config: KvConfig,
    parts: ClusterNodeParts,
    opened: Opened,
    space: DiskSpace,
    journal: RaftJournal,
  ) {
    this.#config = config;
    this.#parts = parts;
    this.#decorators = parts.decorators ?? UNDECORATED;
    this.#opened = opened;
    this.#identity = opened.storage.identity;
    this.space = space;
    this.journal = journal;
    this.transport = opened.transport;
    const graceMs = FAREWELL_TIMEOUTS * config.electionTicks * config.tickMs;
    this.#departures = new Departures(opened.transport, graceMs, now);
    this.calls = new LeaderCalls({
      nodeId: config.nodeId,
      member: () => this.#member,
      duties: () => this.#duties,
      transport: opened.transport,
      conditions: this.conditions,
      now,
    });
    this.#admission = new Admission({
      config,
      identity: this.#identity,
      self: selfRecord(config, this.#identity),
      transport: opened.transport,
      logger: parts.logger,
      signal: this.#abort.signal,
      begin: (members, joined) => this.#begin(members, joined),
      isVoter: () => this.#member?.membership.voters.includes(config.nodeId) ?? false,
    });
    parts.metrics.beforeScrape(() => this.#showGauges());
    this.#ticker = this.#sleep(1);
  }

  /**
   * Opens directory and listener; the node enters its cluster in the background.
   * @throws DataDirectoryError StorageCorruptError CertificateError, and listen errors
   */
  static async open(config: KvConfig, parts: ClusterNodeParts): Promise<ClusterNode> {
    const { dataDirectory, certificateDirectory, nodeId } = config;
    await mkdir(dataDirectory, { recursive: true, mode: 0o700 });
    await mkdir(dirname(certificateDirectory), { recursive: true });
    const lock = await DirectoryLock.acquire(dataDirectory);
    const decorators = parts.decorators ?? UNDECORATED;
    const disk = parts.disk ?? createDisk(parts.metrics, decorators);
    let storage: Storage | null = null;
    try {
      const certificates = await obtainCertificates(certificateDirectory, nodeId);
      const { segmentBytes, keptEntries } = config;
      const { clusterId } = certificates;
      const options = { clusterId, nodeId, segmentBytes, keptEntries, newInstanceId: randomUUID };
      storage = await openStorage(disk, dataDirectory, options);
      if (storage.tornBytes > 0)
        parts.logger.warn({ bytes: storage.tornBytes }, 'an unfinished last write was cut off');
      // Peers may call before the node exists: until then it knows nothing.
      const late: { node: ClusterNode | null } = { node: null };
      const desk = createDesk(config, parts, storage, late);
      const { host, peerPort, dial } = config;
      const { instanceId } = storage.identity;
      const transportOptions = { nodeId, instanceId, certificates, host, peerPort, dial, now };
      const transport = decorators.transport(await TlsTransport.listen(transportOptions, decorators.peerEvents(desk)));
      const space = new DiskSpace(disk, dataDirectory, parts.diskReserveBytes ?? DISK_RESERVE_BYTES);
      const journal = new RaftJournal(parts.metrics, parts.logger);
      const node = new ClusterNode(config, parts, { lock, disk, storage, transport }, space, journal);
      late.node = node;
      node.#enter();
      return node;
    } catch (error) {
      await storage?.wal.close();
      await storage?.snapshots.close();
      await lock.release();
      throw error;
    }
  }

  /** Null until the node belongs to a cluster. */
  get member(): Member | null {
    return this.#member;
  }

  get duties(): LeaderDuties | null {
    return this.#duties;
  }

  get closing(): boolean {
    return this.#closing !== null || this.#failed;
  }

  /** Why the node is no member yet. */
  get waitingFor(): string {
    return this.#admission.reason;
  }

  /** Hands over leadership if it has it, makes durable what was begun, and lets go of everything. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** A member that is running, waited for until the deadline. @throws ServiceError NO_QUORUM */
  async running(deadlineMs: number): Promise<Member> {
    const failure = () =>
      new ServiceError('NO_QUORUM', `this node is in no cluster yet: ${this.waitingFor}`, { definite: true });
    await this.conditions.until(() => this.#member !== null, deadlineMs, failure);
    return this.#member!;
  }

  #enter(): void {
    this.#admission.enter().catch((error: Error) => {
      if (!this.#abort.signal.aborted) this.#fail(error);
    });
  }

  async #begin(members: FirstMembers, joined: boolean): Promise<void> {
    const { disk, storage } = this.#opened;
    const { dataDirectory, nodeId } = this.#config;
    if (this.#identity.members === null) {
      this.#identity = await foundLog(disk, dataDirectory, storage, members, joined);
    }
    const membership = firstMembership(members, nodeId, joined);
    const member = await Member.start(this.#memberOptions(membership), {
      storage,
      transport: this.transport,
      space: this.space,
      metrics: this.#parts.metrics,
      logger: this.#parts.logger,
      journal: this.journal,
      decorators: this.#decorators,
      onMembership: (changed) => this.#membershipChanged(changed),
      rested: () => this.#rested(),
      onTurn: () => this.#rouse(),
      onFailure: (error) => this.#fail(error),
    });
    if (this.#closing !== null) return;
    this.#duties = new LeaderDuties({
      member,
      snapshots: storage.snapshots,
      tickMs: this.#config.tickMs,
      until: (condition, deadlineMs, atDeadline) => this.conditions.until(condition, deadlineMs, atDeadline),
    });
    this.#member = member;
    this.#membershipChanged(member.membership);
  }

  #memberOptions(membership: Membership) {
    const { electionTicks, heartbeatTicks, keptEntries, snapshotEntries } = this.#config;
    return {
      raft: {
        electionTicks,
        heartbeatTicks,
        appendBytesMax: APPEND_BYTES_MAX,
        appendsInflightMax: APPENDS_INFLIGHT_MAX,
        uncommittedBytesMax: UNCOMMITTED_BYTES_MAX,
        snapshotChunkBytes: SNAPSHOT_CHUNK_BYTES,
        preVote: true,
        checkQuorum: true,
        entriesKeptAfterSnapshot: keptEntries,
      },
      membership,
      snapshotEntries,
      snapshotBytes: SNAPSHOT_LOG_BYTES,
      seed: randomInt(2 ** 32),
      now,
    };
  }

  #membershipChanged(membership: Membership): void {
    const { nodeId, members } = this.#config;
    const given = new Map<number, MemberAddress>((members ?? []).map((member) => [member.id, member]));
    this.#departures.follow(peerPlaces(membership, nodeId, given));
  }

  #wake(): void {
    this.#restingMs = Number.NEGATIVE_INFINITY;
    this.#tick();
    // Behind Raft's turn, which has begun a new count by then.
    setImmediate(() => {
      if (this.#failed || this.#abort.signal.aborted) return;
      this.#ticker = this.#sleep(this.#ticksUntilDue);
    });
  }

  get #ticksUntilDue(): number {
    return this.conditions.isIdle ? (this.#member?.restTicks ?? 1) : 1;
  }

  /** Ticks of the rest that have passed since the last call, without the one with which it ends. */
  #rested(): number {
    if (this.#restTicks === 1) return 0;
    const { tickMs } = this.#config;
    const passed = Math.min(this.#restTicks - 1, Math.floor((now() - this.#restingMs) / tickMs));
    this.#restTicks -= passed;
    this.#restingMs += passed * tickMs;
    return passed;
  }

  /** Something came up: the rest ends with the tick that is running. */
  #rouse(): void {
    if (this.#restTicks === 1 || this.#failed || this.#ticksUntilDue > 1) return;
    this.#restTicks = 1;
    clearTimeout(this.#ticker);
    this.#ticker = setTimeout(() => this.#wake(), this.#restingMs + this.#config.tickMs - now());
  }

  #tick(): void {
    const at = now();
    const elapsedMs = at - this.#tickedMs;
    this.#tickedMs = at;
    this.conditions.tick();
    const member = this.#member;
    member?.lookAtDeadlines();
    if (this.#raftTickIsDue()) member?.tick();
    // A process that stood still cannot say how things were meanwhile.
    if ((member?.leader ?? null) === null)
      this.#parts.metrics.raft.leaderless.inc(Math.min(elapsedMs, SECOND_MS) / 1000);
    if (at - this.#secondMs < SECOND_MS) return;
    this.#secondMs = at;
    this.space.look();
    this.#departures.look();
    member?.offerCheckpoint();
    this.#handOverWhenFull();
  }

  #showGauges(): void {
    const { metrics } = this.#parts;
    if (this.#member === null) showSpace(metrics, this.space);
    else showGauges(metrics, this.#member, this.space, this.#config.tickMs);
  }

  /** @param ticks how many may pass before there is something to do. A clock that runs wrong is looked at each time. */
  #sleep(ticks: number): NodeJS.Timeout {
    const rate = this.#decorators.clock.tickRate();
    this.#restTicks = rate === 1 ? Math.min(ticks, REST_TICKS_MAX) : 1;
    this.#restingMs = now();
    return setTimeout(() => this.#wake(), (this.#restTicks * this.#config.tickMs) / Math.max(1, rate));
  }

  /** Raft's clock may run faster or slower than this node looks around. */
  #raftTickIsDue(): boolean {
    this.#ticksDue += Math.min(1, this.#decorators.clock.tickRate());
    if (this.#ticksDue < 1) return false;
    this.#ticksDue -= 1;
    return true;
  }

  /** A leader without space refuses all writes; another one may have space. */
  #handOverWhenFull(): void {
    const member = this.#member;
    if (member === null || !this.space.full || member.leader !== this.#config.nodeId) return;
    const to = bestSuccessor(member.status(), (node) => !member.reportsFullStorage(node));
    if (to !== null) member.handOver(to);
  }

  #fail(error: Error): void {
    if (this.#failed || this.#closing !== null) return;
    this.#failed = true;
    // Nothing more is promised to anybody, whatever the owner does with the news.
    clearTimeout(this.#ticker);
    this.#member?.stop();
    this.conditions.close();
    this.#parts.logger.fatal({ err: error }, 'this node cannot go on');
    this.#parts.onFailure(error);
  }

  async #close(): Promise<void> {
    const member = this.#member;
    if (member !== null && !this.#failed) await this.#farewell(member);
    this.#abort.abort();
    clearTimeout(this.#ticker);
    this.conditions.close();
    await member?.close();
    await this.transport.close();
    const { storage, lock } = this.#opened;
    await storage.wal.close();
    await storage.snapshots.close();
    await lock.release();
  }

  async #farewell(member: Member): Promise<void> {
    const status = member.status();
    if (status.role !== 'leader') return;
    const to = bestSuccessor(status, (node) => !member.reportsFullStorage(node));
    if (to === null) return;
    member.handOver(to);
    const handedOver = () => member.leader !== this.#config.nodeId && member.leader !== null;
    const late = () => new ServiceError('TIMEOUT', 'leadership was not taken over');
    await this.conditions.until(handedOver, now() + FAREWELL_MS, late).catch(() => {});
  }

  /** What this node tells one that asks who it is. */
  static hello(config: KvConfig, storage: Storage, node: ClusterNode | null) {
    const { nodeId, members } = config;
    const identity = node === null ? storage.identity : node.#identity;
    const membership = node?.member?.membership;
    return {
      node_id: nodeId,
      self: formatMember(selfRecord(config, identity)),
      expected: members?.map(({ id }) => id) ?? null,
      members: membership?.addresses ?? identity.members,
      retired: membership?.retired ?? [],
      founders: identity.joined ? null : identity.members,
    };
  }
}

function now(): number {
  return performance.now();
}

function selfRecord(config: KvConfig, identity: Identity): MemberRecord {
  return { ...config.address, instanceId: identity.instanceId };
}

/** Only what really reached the disk is counted, and only the log's own calls are the log's metrics. */
function createDisk({ wal }: KvMetrics, decorators: Decorators): Disk {
  return decorators.disk((observer) => new FileSystemDisk(observer), {
    wrote: (path, bytes) => {
      if (path.endsWith('.wal')) wal.bytesWritten.inc(bytes);
    },
    synced: (path, seconds) => {
      if (path.endsWith('.wal')) wal.fsyncDuration.observe(seconds);
    },
  });
}

function createDesk(
  config: KvConfig,
  { metrics, logger }: ClusterNodeParts,
  storage: Storage,
  late: { readonly node: ClusterNode | null },
): PeerDesk {
  return new PeerDesk({
    member: () => late.node?.member ?? null,
    hello: () => ClusterNode.hello(config, storage, late.node),
    calls: () => {
      if (late.node === null) throw new ServiceError('NO_QUORUM', 'this node is starting');
      return late.node.calls;
    },
    snapshots: storage.snapshots,
    metrics,
    logger,
    now,
  });
}
