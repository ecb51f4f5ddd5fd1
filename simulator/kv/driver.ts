import { Raft } from '../../services/kv/core/raft/raft.ts';
import { type Rules, raftRules } from '../../services/kv/core/raft/rules.ts';
import type {
  Entry,
  Input,
  Membership,
  Message,
  NodeId,
  Output,
  SnapshotMeta,
} from '../../services/kv/core/raft/types.ts';
import { KvStore } from '../../services/kv/core/store/store.ts';
import type { ApplyResult } from '../../services/kv/core/store/types.ts';
import { DataDirectoryError, StorageCorruptError } from '../../services/kv/storage/errors.ts';
import { type Driver, NO_NODE, type NodeNumber, type NodeRole, type Target } from '../types.ts';
import type { World } from '../world.ts';
import { Clients, ClientTimer } from './clients.ts';
import { Coverage } from './coverage.ts';
import { Invariants } from './invariants.ts';
import { type Found, type NodeParts, type NodeWatcher, SimulatedNode } from './node.ts';
import { Operator, OperatorTimer } from './operator.ts';
import { Reference } from './reference.ts';
import { whatIsMissing } from './rest.ts';
import type { Core, KvAction, KvOperation, KvPlan, KvSetup, KvVariation, Store } from './types.ts';

/** The registers that are probed when everything is mended: a cluster that is well takes new writes. */
const PROBE_REGISTER = 0xffff;

/** Raft and the key-value store under simulation: nodes, clients, operator, and everything that is checked at each step. */
export class KvDriver implements Driver<Message, KvOperation, KvAction>, NodeWatcher {
  readonly nodes = new Map<NodeId, SimulatedNode>();
  readonly invariants: Invariants;
  readonly reference = new Reference();
  readonly clients: Clients;
  readonly operator: Operator;
  readonly coverage: Coverage;
  readonly #world: World<Message>;
  readonly #plan: KvPlan;
  readonly #variation: KvVariation;
  readonly #parts: NodeParts;
  readonly #rules: Rules;

  constructor(world: World<Message>, plan: KvPlan, variation: KvVariation) {
    this.#world = world;
    this.#plan = plan;
    this.#variation = variation;
    const { setup } = plan;
    this.coverage = new Coverage(world, this.nodes);
    this.#rules = { ...raftRules, ...variation.rules };
    this.invariants = new Invariants(this.nodes, founders(plan.nodes).voters, setup.raft, (entry) =>
      this.reference.committed(entry),
    );
    const serving = () => this.#members().filter(({ isLost }) => !isLost);
    const find = (target: Target) => this.#find(target);
    this.clients = new Clients(world, setup, this.reference, { serving, find });
    const cluster = { nodes: this.nodes, leader: () => this.leader(), find, add: (id: NodeId) => this.#add(id) };
    this.operator = new Operator(world, cluster, plan.nodes);
    this.#parts = this.#nodeParts(setup);
  }

  #nodeParts(setup: KvSetup): NodeParts {
    const options = { rememberedMax: setup.rememberedMax };
    return {
      setup,
      variation: this.#variation,
      founders: founders(this.#plan.nodes),
      makeCore: (node, restored) => this.#makeCore(node, restored),
      makeStore: (chunks): Store => {
        if (this.#variation.makeStore !== undefined) return this.#variation.makeStore(chunks, options);
        return chunks === null ? new KvStore(options) : KvStore.restore(chunks, options);
      },
    };
  }

  #makeCore(node: SimulatedNode, restored: Parameters<NodeParts['makeCore']>[1]): Core {
    const { id, incarnation } = node;
    const config = { ...this.#plan.setup.raft, id, incarnation, membership: this.#parts.founders };
    const random = this.#world.fork(`node ${id} start ${incarnation}`);
    const rules = this.coverage.watch(this.#rules, id);
    return this.#variation.makeCore?.({ config, restored, random, rules }) ?? new Raft(config, restored, random, rules);
  }

  // Driver

  begin(): void {
    for (let id = 1; id <= this.#plan.nodes; id++) this.#add(id);
    this.operator.begin();
  }

  operation(operation: KvOperation): void {
    this.clients.begin(operation);
  }

  deliver(to: NodeNumber, message: Message, sameLife: boolean): void {
    // Copies of a forwarded proposal do not outlive the connection that they came on, see types.ts of the core.
    if (message.type === 'forwardProposals' && !sameLife) return;
    this.nodes.get(to)!.deliver(message);
  }

  timer(node: NodeNumber, what: number, data: unknown): void {
    if (node !== NO_NODE) this.nodes.get(node)!.timer(what, data);
    else if (what === OperatorTimer.round) this.operator.round();
    else if (what === ClientTimer.again || what === ClientTimer.timeout)
      this.clients.timer(what, data as Parameters<Clients['timer']>[1]);
  }

  written(node: NodeNumber, file: number): void {
    this.nodes.get(node)!.written(file);
  }

  noSpace(id: NodeNumber, file: number): void {
    const node = this.nodes.get(id)!;
    this.coverage.noSpace(node);
    node.noSpace(file);
  }

  crash(id: NodeNumber): void {
    const node = this.nodes.get(id)!;
    this.coverage.crashed(node);
    node.crash();
  }

  start(id: NodeNumber): void {
    const node = this.nodes.get(id)!;
    if (node.isLost) return;
    try {
      node.start();
    } catch (error) {
      if (!(error instanceof StorageCorruptError || error instanceof DataDirectoryError)) throw error;
      node.isLost = true;
      this.coverage.counts['rare.damagedLogRefused'] += 1;
    }
  }

  mayLose(id: NodeNumber): boolean {
    const retired = this.leader()?.membership.retired ?? [];
    if (retired.includes(id) || this.nodes.get(id)?.isLost !== false) return false;
    const isLost = (voter: NodeId) => {
      const node = this.nodes.get(voter);
      return voter === id || node?.isLost === true || node?.stored.isDamaged === true;
    };
    const survives = (voters: readonly NodeId[]) => voters.filter(isLost).length * 2 < voters.length;
    for (const node of this.nodes.values()) {
      if (retired.includes(node.id) || node.isLost) continue;
      const { voters, votersOutgoing } = node.membership;
      if (!survives(voters) || (votersOutgoing.length > 0 && !survives(votersOutgoing))) return false;
    }
    return true;
  }

  wipe(id: NodeNumber): void {
    const node = this.nodes.get(id)!;
    node.stored.wipe();
    if (this.#variation.afterLoss === 'sameId') node.stored.durable.clear();
    else node.isLost = true;
  }

  flipBit(id: NodeNumber): void {
    this.nodes.get(id)!.stored.flipBit(this.#world.fork(`flip ${this.#world.now}`));
  }

  inRole(role: NodeRole): readonly NodeNumber[] {
    const leader = this.leader();
    if (role === 'leader') return leader === null ? [] : [leader.id];
    const nodes = this.#members().filter(({ isLost }) => !isLost);
    return nodes.filter((node) => role === 'any' || (node.isUp && node !== leader)).map(({ id }) => id);
  }

  act(action: KvAction): void {
    if (action.type === 'transfer') this.coverage.transferAsked();
    this.operator.act(action);
  }

  healed(): void {
    for (const node of this.nodes.values()) if (!node.isUp && !node.isLost) this.start(node.id);
    const probe = { atUs: this.#world.now, register: PROBE_REGISTER, idempotent: true } as const;
    for (const id of this.inRole('any')) {
      this.operation({ ...probe, type: 'create', value: `probe ${id}`, node: { node: id } });
      this.operation({ ...probe, type: 'read', value: null, node: { node: id } });
    }
  }

  isAtRest(): boolean {
    return whatIsMissing(this) === null;
  }

  whyNotAtRest(): { readonly invariant: string; readonly message: string } {
    return whatIsMissing(this) ?? { invariant: 'rest', message: 'nothing is missing' };
  }

  stats(): Readonly<Record<string, number>> {
    const { commitIndex } = this.invariants;
    const { reads, writes, replays } = this.reference;
    const checked = { 'checked.entries': commitIndex, 'checked.reads': reads, 'checked.writes': writes };
    const { counts } = this.coverage;
    return { ...checked, 'rare.retryRemembered': replays, ...counts, ...this.clients.counts, ...this.operator.counts };
  }

  // NodeWatcher

  started(node: SimulatedNode, found: Found): void {
    this.coverage.started(node, found);
    this.invariants.started(node, found);
  }

  stepped(node: SimulatedNode, input: Input, output: Output): void {
    this.coverage.stepped(node, input, output);
    this.invariants.stepped(node, input, output, this.#world.now);
  }

  applied(node: SimulatedNode, entry: Entry, result: ApplyResult | null): void {
    if (result !== null) this.reference.applied(node.id, entry.index, result);
  }

  appliedAll(node: SimulatedNode): void {
    this.reference.hash(node.id, node.appliedIndex, node.store.hash());
  }

  restored(node: SimulatedNode, snapshot: SnapshotMeta): void {
    this.invariants.restored(node, snapshot);
    this.reference.hash(node.id, snapshot.index, node.store.hash());
  }

  // Who is who

  /** The leader of the latest term, or null. */
  leader(): SimulatedNode | null {
    let latest: SimulatedNode | null = null;
    for (const node of this.nodes.values())
      if (node.role === 'leader' && (latest === null || node.leaderTerm > latest.leaderTerm)) latest = node;
    return latest;
  }

  /** Those that the leader knows as members, ascending; all, while there is none. */
  #members(): SimulatedNode[] {
    const membership = this.leader()?.membership;
    const found: SimulatedNode[] = [];
    // Nodes are added in the order of their ids.
    for (const node of this.nodes.values())
      if (membership === undefined || isMember(membership, node.id)) found.push(node);
    return found;
  }

  #find(target: Target): NodeId | null {
    if ('node' in target) return this.nodes.has(target.node) ? target.node : null;
    const fitting = this.inRole(target.role === 'signalled' ? 'any' : target.role);
    return fitting.length === 0 ? null : fitting[target.nth % fitting.length]!;
  }

  #add(id: NodeId): void {
    const node = new SimulatedNode(id, this.#world, this.#parts, this);
    this.nodes.set(id, node);
    node.start();
  }
}

function isMember({ voters, votersOutgoing, learners }: Membership, id: NodeId): boolean {
  return voters.includes(id) || votersOutgoing.includes(id) || learners.includes(id);
}

/** The configuration of a cluster of nodes 1 … `count`. */
function founders(count: number): Membership {
  const voters = Array.from({ length: count }, (_, i) => i + 1);
  const addresses = Object.fromEntries(voters.map((id) => [id, `host-${id}`]));
  return { voters, votersOutgoing: [], learners: [], retired: [], addresses };
}
