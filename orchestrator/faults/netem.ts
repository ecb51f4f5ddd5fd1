/** Loss of packets by the kernel (netem) on loopback, only of those to the peers' ports of the targets. Needs root and sch_netem. */
import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import type { Child, ChildOptions } from '../cluster/child.ts';
import type { Fault, Strike } from './types.ts';

export interface NetemOptions {
  /** The peers' port of each node. */
  readonly ports: readonly number[];
  readonly spawn: (child: ChildOptions) => Promise<Child>;
  readonly workingDirectory: string;
  readonly logFile: string;
}

/** Runs a command to its end; `undefined` when it succeeded, otherwise the reason. */
export type Probe = (command: string, words: readonly string[]) => string | undefined;

const run: Probe = (command, words) => {
  const { error, status, stderr } = spawnSync(command, words, { encoding: 'utf8', timeout: 5000 });
  if (error !== undefined) return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'not found' : error.message;
  return status === 0 ? undefined : stderr.trim().split('\n').at(-1) || `exit code ${status}`;
};

/** Tries it in a network namespace of its own, which ends with the command: nothing else is touched. */
export function netemAvailable(
  probe: Probe = run,
  machine: { readonly platform: string; readonly root: boolean } = {
    platform: process.platform,
    root: process.getuid?.() === 0,
  },
): true | string {
  if (machine.platform !== 'linux') return `${machine.platform} has no netem: packets can be lost on Linux only`;
  if (!machine.root) return 'packet loss needs root (tc qdisc)';
  const tc = probe('tc', ['-V']);
  if (tc !== undefined) return `packet loss needs tc (package iproute2): ${tc}`;
  const netem = probe('unshare', ['--net', 'tc', 'qdisc', 'add', 'dev', 'lo', 'root', 'netem', 'loss', '1%']);
  return netem === undefined ? true : `packet loss needs a kernel with sch_netem: ${netem}`;
}

/**
 * A shell that sets the loss up, and takes it away when it ends: the registry of processes ends it also when the orchestrator was
 * killed. A first band of `prio` for everything, a second one with netem for what goes to the ports.
 */
export function netemScript(ports: readonly number[], probability: number): string {
  const percent = Number((probability * 100).toPrecision(6));
  return [
    'trap "tc qdisc del dev lo root" EXIT',
    'trap "exit 0" TERM INT',
    'tc qdisc add dev lo root handle 1: prio bands 2 priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 || exit 1',
    `tc qdisc add dev lo parent 1:2 handle 20: netem loss ${percent}% || exit 1`,
    ...ports.map(
      (port) =>
        `tc filter add dev lo parent 1: protocol ip prio 1 u32 match ip dport ${port} 0xffff flowid 1:2 || exit 1`,
    ),
    'while :; do sleep 1; done',
  ].join('\n');
}

const IN_FORCE_MS_MAX = 3000;

export function packetLoss(options: NetemOptions | undefined, available: () => true | string): Fault {
  return {
    kind: 'packet_loss',
    available,
    async inject({ name, nodes, parameters }: Strike) {
      if (options === undefined) throw new Error('the system has no peers whose packets could be lost');
      const { ports, spawn, workingDirectory, logFile } = options;
      const script = netemScript(
        nodes.map(({ index }) => ports[index]!),
        parameters.probability ?? 0,
      );
      const child = await spawn({
        ...{ name: `netem ${name}`, command: 'sh', arguments: ['-c', script], environment: {} },
        ...{ workingDirectory, logFile },
      });
      const deadline = performance.now() + IN_FORCE_MS_MAX;
      while (spawnSync('tc', ['filter', 'show', 'dev', 'lo'], { encoding: 'utf8' }).stdout.match(/u32/) === null) {
        if (child.status !== undefined) throw new Error(`netem could not be set up: see ${logFile}`);
        if (performance.now() > deadline) {
          await child.stop(1000);
          throw new Error(`netem is not in force after ${IN_FORCE_MS_MAX / 1000} s: see ${logFile}`);
        }
        await delay(50);
      }
      return async () => {
        await child.stop(3000);
      };
    },
  };
}
