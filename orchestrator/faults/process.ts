/** Faults of processes: they work wherever the nodes are processes of this machine. */
import type { ProcessFaultKind } from '../../kit/system.ts';
import type { NodeFaultDesk } from './node_faults.ts';
import type { Fault, FaultNode, Heal, Strike } from './types.ts';

/** A node that has not ended so long after SIGTERM is killed: a restart must end. */
const TERMINATE_GRACE_MS = 5000;

/** What is wrong with a node survives its process: the desk tells a node that was started or woken again. */
export function processFaults(desk: NodeFaultDesk): Readonly<Record<ProcessFaultKind, Fault>> {
  const start = async (node: FaultNode) => {
    await node.start();
    await desk.restarted(node);
  };
  return {
    kill: processFault('kill', async (node) => {
      await node.kill();
      return () => start(node);
    }),
    pause: {
      ...processFault('pause', async (node) => {
        await node.pause();
        return async () => {
          try {
            await node.resume();
          } finally {
            if (node.state === 'running') await desk.restarted(node);
          }
        };
      }),
      available: () => (process.platform === 'win32' ? 'Windows has no SIGSTOP' : true),
    },
    upgrade: processFault('upgrade', async (node) => {
      await node.terminate(TERMINATE_GRACE_MS);
      node.upgrade();
      return () => start(node);
    }),
    restart: processFault('restart', async (node) => {
      await node.terminate(TERMINATE_GRACE_MS);
      return () => start(node);
    }),
  };
}

function processFault(kind: ProcessFaultKind, strikeOne: (node: FaultNode) => Promise<Heal>): Fault {
  return {
    kind,
    available: () => true,
    inject: async (strike) => {
      const heal = await injectIntoEach(strike, strikeOne);
      strike.struck();
      const verified = await Promise.allSettled(strike.nodes.map((node) => node.outOfService?.(strike.signal)));
      const failed = verified.find((result) => result.status === 'rejected');
      if (failed === undefined) return heal;
      // It may yet take effect, and nobody would undo it then.
      await heal().catch(() => undefined);
      throw failed.reason;
    },
  };
}

/** All targets at once. When one cannot be struck, those that were are healed again. */
export async function injectIntoEach({ nodes }: Strike, strikeOne: (node: FaultNode) => Promise<Heal>): Promise<Heal> {
  const struck = await Promise.allSettled(nodes.map(strikeOne));
  const heals = struck.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const failed = struck.find((result) => result.status === 'rejected');
  if (failed === undefined) return () => healEach(heals);
  await healEach(heals);
  throw failed.reason;
}

/** Each in any case; rejects with the first reason. */
async function healEach(heals: readonly Heal[]): Promise<void> {
  const healed = await Promise.allSettled(heals.map((heal) => heal()));
  const failed = healed.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
