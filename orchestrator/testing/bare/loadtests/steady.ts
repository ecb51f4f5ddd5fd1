/** Asks the nodes in turn. */
import http from 'k6/http';
import { Counter } from 'k6/metrics';

const { targets, ratePerSecond, durationSeconds } = JSON.parse(__ENV.GAMEDAY_LOAD!) as {
  targets: string[];
  ratePerSecond: number;
  durationSeconds: number;
};
const operations = new Counter('operations');

export const options = {
  scenarios: {
    steady: {
      ...{
        executor: 'constant-arrival-rate',
        preAllocatedVUs: 5,
        rate: ratePerSecond,
        duration: `${durationSeconds}s`,
      },
    },
  },
};

export default function operation(): void {
  const { status } = http.get(`${targets[__ITER % targets.length]}${__ENV.BARE_PATH}`, { timeout: '1s' });
  operations.add(1, { outcome: status === 200 ? 'ok' : 'failed' });
}
