import { assert } from '../../../../../kit/assert.ts';
import { Prng } from '../../../../../kit/prng.ts';
import type { MembershipChange, NodeId } from '../types.ts';
import { type ClusterOptions, TestCluster, type TestNode } from './cluster.ts';
import { Invariants } from './invariants.ts';

/** The command that repeats a run. */
export function describeRun(seed: number): string {
  return `RAFT_SEED=${seed} RAFT_SEEDS=1 npm test -- services/kv/core/raft/random.test.ts`;
}

const NODES_MAX = 5;

type Action = 'deliver' | 'flush' | 'tick' | 'propose' | 'read' | 'partition' | 'crash' | 'snapshot' | 'administer';

/** How often what happens, out of a thousand or so: a cluster at work, and one that hardly gets a leader. */
const WEATHER: Record<string, Record<Action, number>> = {
  fair: {
    deliver: 450,
    flush: 200,
    tick: 200,
    propose: 70,
    read: 40,
    partition: 5,
    crash: 8,
    snapshot: 13,
    administer: 14,
  },
  stormy: {
    deliver: 400,
    flush: 150,
    tick: 350,
    propose: 30,
    read: 40,
    partition: 15,
    crash: 25,
    snapshot: 10,
    administer: 5,
  },
};

/** A cluster to which things happen at random: loss, copies, reordering, slow disks, crashes, partitions, changes of membership. */
export class RandomRun {
  readonly cluster: TestCluster;
  readonly invariants: Invariants;
  readonly #random: Prng;
  /** The network of this run: chances out of 100 that a message is lost, or copied. */
  readonly #lossy: number;
  readonly #copied: number;
  readonly #weights: { readonly actions: readonly [Action, number][]; readonly total: number };
  /** Nodes whose clocks run at a quarter of the speed. */
  readonly #slow: ReadonlySet<NodeId>;
  #count = 0;

  constructor(seed: number, options: ClusterOptions = {}) {
    this.#random = new Prng(seed).fork('run');
    this.#lossy = this.#random.pick([0, 2, 10]);
    this.#copied = this.#random.pick([0, 2, 10]);
    const actions = Object.entries(WEATHER[this.#random.pick(['fair', 'fair', 'stormy'])]!) as [Action, number][];
    this.#weights = { actions, total: actions.reduce((sum, [, weight]) => sum + weight, 0) };
    this.#slow = new Set(this.#random.pick([[], [], [1], [2, 3]]));
    this.invariants = new Invariants(() => this.cluster.nodes.values());
    const voters = this.#random.pick([[1, 2, 3], [1, 2, 3], [1, 2, 3, 4, 5], [1]]);
    const config = {
      entriesKeptAfterSnapshot: this.#random.pick([0, 3, 20]),
      appendBytesMax: this.#random.pick([1, 64]),
      appendsInflightMax: this.#random.pick([1, 4, 64]),
      preVote: this.#random.integer(0, 5) > 0,
      checkQuorum: this.#random.integer(0, 5) > 0,
      ...options.config,
    };
    // The invariants look at the cluster's nodes, and are told of their start while the cluster is being made.
    this.cluster = new TestCluster([], { ...options, seed, config, observers: [this.invariants] });
    Object.assign(this.cluster.membership, {
      voters,
      addresses: Object.fromEntries(voters.map((id) => [id, `host-${id}`])),
    });
    for (const id of voters) this.cluster.start(id);
  }

  steps(count: number): void {
    for (let i = 0; i < count; i++) this.step();
  }

  step(): void {
    let chance = this.#random.integer(0, this.#weights.total);
    for (const [action, weight] of this.#weights.actions) {
      chance -= weight;
      if (chance < 0) {
        this.#actions[action]();
        return;
      }
    }
  }

  readonly #actions: Record<Action, () => void> = {
    deliver: () => this.#deliver(),
    flush: () => this.#flush(),
    tick: () => this.#tick(),
    propose: () => this.#propose(),
    read: () => this.#read(),
    partition: () => this.#partition(),
    crash: () => this.#crashOrStart(),
    snapshot: () => this.#snapshot(),
    administer: () => this.#administer(),
  };

  #node(): TestNode | null {
    const { up } = this.cluster;
    return up.length === 0 ? null : this.#random.pick(up);
  }

  /** A burst of deliveries, mostly in order: a network that reorders everything lets no leader live. */
  #deliver(): void {
    const { network } = this.cluster;
    const reorders = this.#random.integer(0, 10) === 0;
    for (let left = this.#random.integer(1, 8); left > 0 && network.length > 0; left--) {
      const at = reorders ? this.#random.integer(0, network.length) : 0;
      const [message] = network.splice(at, 1);
      const fate = this.#random.integer(0, 100);
      if (fate < this.#lossy) continue;
      if (fate >= 100 - this.#copied) network.splice(this.#random.integer(0, network.length + 1), 0, message!);
      this.cluster.deliver(message!);
      if (this.cluster.network !== network) return;
    }
  }

  #flush(): void {
    const node = this.#node();
    if (node !== null && node.unwritten.length > 0)
      this.cluster.flush(node.id, this.#random.integer(1, node.unwritten.length + 1));
  }

  #tick(): void {
    const all = this.#random.integer(0, 4) > 0;
    const hurried = this.#node();
    for (const { id } of this.cluster.up) {
      // Mostly all clocks go on together; now and then one is ahead.
      const count = all ? 1 : id === hurried?.id ? this.#random.integer(1, 6) : 0;
      if (!this.#slow.has(id) || this.#random.integer(0, 4) === 0) this.cluster.tick(id, count);
    }
  }

  #propose(): void {
    const node = this.#node();
    if (node === null) return;
    const commands = Array.from({ length: this.#random.integer(1, 5) }, () => `c${++this.#count}`);
    this.cluster.propose(node.id, ...commands);
  }

  #read(): void {
    const node = this.#node();
    if (node === null) return;
    const id = `r${++this.#count}`;
    this.invariants.readStarted(id);
    this.cluster.step(node.id, { type: 'read', ids: [id] });
  }

  #partition(): void {
    const ids = [...this.cluster.nodes.keys()];
    const leader = this.cluster.leader?.id ?? 1;
    const cuts = [[], ids.filter(() => this.#random.integer(0, 2) === 0), [leader], [leader, this.#random.pick(ids)]];
    this.cluster.isolate(this.#random.pick(cuts));
  }

  #crashOrStart(): void {
    const down = [...this.cluster.nodes.values()].filter((node) => !node.isUp);
    const starts = down.length > 0 && this.#random.integer(0, 4) > 0;
    const node = this.#random.pick(starts ? down : [...this.cluster.nodes.values()]);
    if (node.isUp) this.cluster.crash(node.id, this.#random.integer(0, node.unwritten.length + 1));
    else this.cluster.start(node.id);
  }

  #snapshot(): void {
    const node = this.#node();
    if (node !== null) this.cluster.snapshot(node.id);
  }

  #administer(): void {
    const leader = this.cluster.leader;
    if (leader === null) return;
    const to = this.#random.pick([...this.cluster.nodes.keys()]);
    const what = this.#random.pick([
      'transferLeadership',
      'changeMembership',
      'changeMembership',
      'unreachable',
      'forceSnapshot',
    ]);
    if (what === 'changeMembership') this.#changeMembership(leader);
    else if (what === 'unreachable') this.cluster.step(leader.id, { type: 'unreachable', node: to });
    else if (what === 'forceSnapshot') this.cluster.step(leader.id, { type: 'forceSnapshot', to });
    else this.cluster.step(leader.id, { type: 'transferLeadership', to });
  }

  #changeMembership(leader: TestNode): void {
    const { voters, learners, retired } = leader.status().membership;
    const subset = (ids: readonly NodeId[]) => ids.filter(() => this.#random.integer(0, 2) === 0);
    // Ids that were removed are not used again: so many others take their places.
    const usable = Array.from({ length: NODES_MAX + retired.length }, (_, i) => i + 1).filter(
      (id) => !retired.includes(id),
    );
    const outside = this.#random.pick(usable);
    const change: MembershipChange =
      this.#random.integer(0, 2) === 0
        ? { type: 'addLearner', node: outside, address: `host-${outside}` }
        : { type: 'changeVoters', promote: subset(learners), remove: subset(voters) };
    const output = this.cluster.step(leader.id, { type: 'changeMembership', id: `m${++this.#count}`, change });
    const added = output.accepted.length > 0 && change.type === 'addLearner';
    if (added && !this.cluster.nodes.has(outside)) this.cluster.start(outside);
  }

  /** Mends everything and requires that a command gets through to every member. */
  heal(): void {
    const { cluster } = this;
    cluster.isolate([]);
    for (const node of cluster.nodes.values()) if (!node.isUp) cluster.start(node.id);
    for (let round = 0; round < 40 * cluster.config.electionTicks; round++) {
      cluster.settle();
      const { leader } = cluster;
      if (leader !== null && this.#reachesEverybody(leader)) return;
      for (const node of cluster.up) cluster.tick(node.id);
    }
    assert(false, `no progress after healing: ${JSON.stringify(cluster.up.map((node) => node.status()))}`);
  }

  /** Whether a command proposed now is applied by every member once nothing is under way. */
  #reachesEverybody(leader: TestNode): boolean {
    const marker = `c${++this.#count}`;
    const members = this.#members(leader);
    this.cluster.propose(this.#random.pick(members).id, marker);
    this.cluster.settle();
    if (!members.every((node) => node.state.at(-1)?.endsWith(`:${marker}`))) return false;
    this.#statesAreEqual(members);
    return true;
  }

  #members(leader: TestNode): TestNode[] {
    const { voters, votersOutgoing, learners } = leader.status().membership;
    return [...new Set([...voters, ...votersOutgoing, ...learners])].map((id) => this.cluster.node(id));
  }

  #statesAreEqual(nodes: readonly TestNode[]): void {
    const commands = this.invariants.committed.filter((entry) => entry?.kind === 'command');
    const expected = commands.map((entry) => `${entry!.index}:${new TextDecoder().decode(entry!.data)}`).join(' ');
    for (const node of nodes)
      assert(node.state.join(' ') === expected, `node ${node.id} applied ${node.state}, not ${expected}`);
  }
}
