/** `gameday bench check`: how fast correctness is checked, and how fast the store recovers from what is done to it. */
import { measureRaft } from '../simulator/kv/measure.ts';
import { alone, type Bench } from './bench.ts';
import { measureLeaderRecovery } from './leader_recovery.ts';
import { compareWithPorcupine } from './linearizability.ts';

const KILLS = 20;
const SEEDS = 300;

export const check: Bench = {
  name: 'check',
  summary: 'the checkers beside Porcupine, the simulator, and recovery of the store from a killed leader',
  async run(context) {
    const linearizability = await compareWithPorcupine(context);
    context.onProgress(`the simulator with ${SEEDS} seeds`);
    const raft = measureRaft(SEEDS);
    const recovery = await measureLeaderRecovery(context, KILLS);
    return {
      bench: 'check',
      metrics: [
        ...(linearizability ?? []),
        alone('raft_messages_per_second', raft.messagesPerSecond, 'messages/s'),
        alone('leader_recovery_p50_seconds', recovery.p50, 'seconds'),
        alone('leader_recovery_max_seconds', recovery.max, 'seconds'),
      ],
      notes:
        linearizability === null
          ? ['linearizability_seconds was not measured: Porcupine is built with Go, and Go is not on the PATH']
          : [],
    };
  },
};
