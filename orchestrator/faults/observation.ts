/**
 * Faults of what observes, not of the system: whoever believes in a silent alert believes that somebody was looking. `orchestrator`: its
 * /metrics answers 500, so objectives and phases are gone from the rules. `load`: k6 stands still and sends nothing.
 */
import type { Observer } from '../../kit/system.ts';
import type { Fault, Heal } from './types.ts';

/** How each observer is silenced. */
export type Silencers = Readonly<Record<Observer, () => Heal>>;

/** @param silencers undefined where nothing observes, such as in a cluster that `up` started */
export function silence(silencers: Silencers | undefined): Fault {
  return {
    kind: 'silence',
    available: () => {
      if (silencers === undefined) return 'only a run is observed: put it into a scenario';
      return process.platform === 'win32' ? 'Windows has no SIGSTOP' : true;
    },
    async inject({ observer }) {
      if (observer === undefined || silencers === undefined) throw new Error('nobody is there to be silenced');
      return silencers[observer]();
    },
  };
}
