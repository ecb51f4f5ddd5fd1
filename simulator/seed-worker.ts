/** Entry point of a worker thread: runs batches of seeds, see fleet.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { type Assignment, addTallies, type Batch, EMPTY_TALLY, type Tally } from './fleet.ts';
import { simulatedSystem } from './systems.ts';

const { system, bug, keepGoing } = workerData as Assignment;
const simulated = simulatedSystem(system);

function runSeed(seed: number): Tally {
  const outcome = simulated.run(simulated.plan(seed), { bug });
  const { messages, events, endUs, stats, failure, traceHash } = outcome;
  const failures = failure === null ? [] : [{ seed, failure, traceHash }];
  return { seeds: 1, messages, events, simulatedUs: endUs, stats, failures };
}

parentPort?.on('message', ({ from, count }: Batch) => {
  let tally = EMPTY_TALLY;
  for (let seed = from; seed < from + count; seed++) {
    tally = addTallies(tally, runSeed(seed));
    if (tally.failures.length > 0 && !keepGoing) break;
  }
  parentPort?.postMessage(tally);
});
