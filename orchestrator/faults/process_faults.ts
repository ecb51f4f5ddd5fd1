/** Faults of processes: they work wherever the nodes are processes of this machine. */
import type { FaultKind } from '../../kit/system.ts';
import type { Fault } from './types.ts';

/** A node that has not ended so long after SIGTERM is killed: a restart must end. */
const TERMINATE_GRACE_MS = 5000;

const kill: Fault = {
  name: 'kill',
  available: () => true,
  async inject(node) {
    await node.kill();
    return () => node.start();
  },
};

const pause: Fault = {
  name: 'pause',
  available: () => (process.platform === 'win32' ? 'Windows has no SIGSTOP' : true),
  async inject(node) {
    node.pause();
    return async () => node.resume();
  },
};

const restart: Fault = {
  name: 'restart',
  available: () => true,
  async inject(node) {
    await node.terminate(TERMINATE_GRACE_MS);
    return () => node.start();
  },
};

export const processFaults: Readonly<Record<FaultKind, Fault>> = { kill, pause, restart };
