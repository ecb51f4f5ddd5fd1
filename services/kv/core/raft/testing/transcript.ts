import { assert } from '../../../../../kit/assert.ts';
import type { Input, NodeId, Output } from '../types.ts';
import { type Observer, TestCluster, type TestConfig, type TestNode, testConfig } from './cluster.ts';
import { formatEntry, formatInput, formatMessage, formatOutput, formatStatus } from './format.ts';

/**
 * Runs the commands of a transcript and tells what happens, in the style of etcd-io/raft's interaction tests:
 *
 *   cluster 1 2 3 electionTicks=10   makes a cluster; the rest of the line changes `testConfig`
 *   tick 1 5                         node 1 gets five ticks
 *   elect 1                          ticks node 1 until it stands for election, then as `stabilize quiet`
 *   deliver [2] [3]                  delivers what is under way, in order; with nodes, only what is for them
 *   drop [2]                         loses what is under way; with nodes, only what is for them
 *   flush 1 [2]                      node 1's disk finishes its writes (or the first two of them) with one fsync
 *   stabilize                        flushes and delivers until nothing is under way
 *   propose 1 a b | read 1 r         requests at node 1
 *   isolate 1 | heal                 cuts nodes off from the others; mends that
 *   crash 1 | start 4                a crash loses what was not flushed
 *   snapshot 1 | force-snapshot 1 2  node 1 makes a snapshot; leader 1 sends its snapshot to node 2
 *   transfer 1 2 | add-learner 1 4 | change-voters 1 promote=4 remove=3   asks leader 1
 *   unreachable 1 2                  node 1's transport lost its connection to node 2
 *   status | log 1 | disk 1 | network
 *
 * `quiet` at the end of a line leaves out what happens.
 */
export class Transcript implements Observer {
  #cluster: TestCluster | null = null;
  #lines: string[] = [];
  #quiet = false;

  run(line: string): string {
    const [command, ...words] = line.split(/\s+/);
    this.#lines = [];
    this.#quiet = words.at(-1) === 'quiet';
    if (this.#quiet) words.pop();
    const run = this.#commands[command!];
    assert(run !== undefined, `unknown command in a transcript: ${line}`);
    run(words);
    return this.#lines.length === 0 ? 'ok' : this.#lines.join('\n');
  }

  stepped(node: TestNode, input: Input, output: Output): void {
    const lines = formatOutput(output);
    if (this.#quiet || input.type === 'applied') return;
    if (lines.length === 0 && input.type === 'tick') return;
    this.#lines.push(`node ${node.id} ${formatInput(input)}`, ...lines.map((line) => `    ${line}`));
  }

  get #it(): TestCluster {
    assert(this.#cluster !== null, 'a transcript begins with `cluster`');
    return this.#cluster;
  }

  readonly #commands: Record<string, (words: readonly string[]) => void> = {
    cluster: (words) => this.#make(words),
    tick: ([id, count]) => this.#it.tick(Number(id), Number(count ?? 1)),
    elect: ([id]) => this.#quietly(() => this.#it.elect(Number(id))),
    deliver: (words) => this.#deliver(words.map(Number)),
    drop: (words) => this.#drop(words.map(Number)),
    flush: ([id, count]) => this.#it.flush(Number(id), count === undefined ? Infinity : Number(count)),
    stabilize: () => this.#it.settle(),
    propose: ([id, ...commands]) => this.#it.propose(Number(id), ...commands),
    read: ([id, ...ids]) => this.#it.step(Number(id), { type: 'read', ids }),
    isolate: (words) => this.#it.isolate(words.map(Number)),
    heal: () => this.#it.isolate([]),
    crash: ([id]) => this.#it.crash(Number(id)),
    start: ([id]) => this.#it.start(Number(id)),
    snapshot: ([id]) => this.#it.snapshot(Number(id)),
    'force-snapshot': ([id, to]) => this.#it.step(Number(id), { type: 'forceSnapshot', to: Number(to) }),
    transfer: ([id, to]) => this.#it.step(Number(id), { type: 'transferLeadership', to: Number(to) }),
    unreachable: ([id, node]) => this.#it.step(Number(id), { type: 'unreachable', node: Number(node) }),
    'add-learner': ([id, node]) => this.#addLearner(Number(id), Number(node)),
    'change-voters': ([id, ...changes]) => this.#changeVoters(Number(id), changes),
    status: () => this.#say(this.#it.up.flatMap((node) => formatStatus(node.status()))),
    log: ([id]) => this.#log(Number(id)),
    disk: ([id]) => this.#disk(Number(id)),
    network: () => this.#say(this.#it.network.map(formatMessage)),
  };

  #say(lines: readonly string[]): void {
    if (!this.#quiet) this.#lines.push(...lines);
  }

  #quietly(action: () => void): void {
    this.#quiet = true;
    action();
  }

  #make(words: readonly string[]): void {
    const config: Record<string, number | boolean> = { ...testConfig };
    const voters: NodeId[] = [];
    for (const word of words) {
      const [name, value] = word.split('=');
      if (value === undefined) voters.push(Number(word));
      else config[name!] = value === 'true' || value === 'false' ? value === 'true' : Number(value);
    }
    this.#cluster = new TestCluster(voters, { config: config as unknown as TestConfig, observers: [this] });
  }

  #deliver(only: readonly NodeId[]): void {
    const network = this.#it.network;
    const now = network.filter((message) => only.length === 0 || only.includes(message.to));
    this.#it.network = network.filter((message) => !now.includes(message));
    for (const message of now) if (!this.#it.deliver(message)) this.#say([`lost    ${formatMessage(message)}`]);
  }

  #drop(only: readonly NodeId[]): void {
    const lost = this.#it.network.filter((message) => only.length === 0 || only.includes(message.to));
    this.#it.network = this.#it.network.filter((message) => !lost.includes(message));
    this.#say(lost.map((message) => `lost    ${formatMessage(message)}`));
  }

  #addLearner(id: NodeId, node: NodeId): void {
    const change = { type: 'addLearner', node, address: `host-${node}` } as const;
    this.#it.step(id, { type: 'changeMembership', id: 'change', change });
  }

  #changeVoters(id: NodeId, words: readonly string[]): void {
    const nodes = (name: string) => {
      const word = words.find((one) => one.startsWith(`${name}=`));
      return word === undefined
        ? []
        : word
            .slice(name.length + 1)
            .split(',')
            .map(Number);
    };
    const change = { type: 'changeVoters', promote: nodes('promote'), remove: nodes('remove') } as const;
    this.#it.step(id, { type: 'changeMembership', id: 'change', change });
  }

  /** What a crash now would leave, and what is under way to the disk. */
  #disk(id: NodeId): void {
    const { disk, unwritten } = this.#it.node(id);
    const { term, vote, commit } = disk.hardState;
    this.#say([`term ${term}, vote ${vote ?? 'none'}, commit ${commit}`]);
    if (disk.snapshot !== null)
      this.#say([
        `snapshot ${disk.snapshot.meta.index}@${disk.snapshot.meta.term}, ${disk.snapshot.data.length} bytes`,
      ]);
    this.#say(disk.entries.map(formatEntry));
    if (unwritten.length > 0)
      this.#say([`not yet written: ${unwritten.map((record) => `#${record.number}`).join(' ')}`]);
  }

  #log(id: NodeId): void {
    const { disk, unwritten, state } = this.#it.node(id);
    const entries = [...disk.entries, ...unwritten.flatMap((record) => record.entries)];
    this.#say([`log     ${entries.map(formatEntry).join(', ')}`, `applied ${state.join(' ')}`]);
  }
}
