/** Who leads: asked once, before the load. */
import http from 'k6/http';

const ANSWER_TIMEOUT = '1s';

/** @returns index of the node that leads and has a quorum; null when none does */
export function findLeader(targets: readonly string[]): number | null {
  const found = targets.findIndex((target) => {
    const response = http.get(`${target}/_raft/health`, {
      timeout: ANSWER_TIMEOUT,
      tags: { name: 'GET /_raft/health' },
      responseType: 'text',
    });
    if (response.status !== 200) return false;
    const health = JSON.parse(response.body ?? '{}') as { role?: string; has_quorum?: boolean };
    return health.role === 'leader' && health.has_quorum === true;
  });
  return found < 0 ? null : found;
}
