import { expect, test } from '@jest/globals';
import pc from 'picocolors';
import type { FollowerSync } from '../../../services/kv/api.ts';
import { clientRequests } from './node_client.ts';
import { syncLines } from './sync_commands.ts';

const follower = (address: string, status: FollowerSync['status'], index: number, lag: number): FollowerSync => ({
  ...{ node_id: 1, address, status, last_replicated_index: index, lag },
  ...{ last_contact_ms: 10, consecutive_failures: 0 },
});

test('sync-status reads as in the document', () => {
  const lines = syncLines(
    [follower('127.0.0.1:8081', 'healthy', 150, 0), follower('127.0.0.1:8082', 'desynced', 50, 100)],
    pc.createColors(false),
  );
  expect(lines).toEqual([
    '  127.0.0.1:8081 (healthy)    - Last replicated: 150 | Lag: 0',
    '  127.0.0.1:8082 (desynced)   - Last replicated: 50  | Lag: 100',
  ]);
});

test('a longer word widens the column for all', () => {
  const lines = syncLines(
    [follower('127.0.0.1:18081', 'healthy', 9, 0), follower('127.0.0.1:8082', 'snapshotting', 1000, 1)],
    pc.createColors(false),
  );
  expect(lines).toEqual([
    '  127.0.0.1:18081 (healthy)      - Last replicated: 9    | Lag: 0',
    '  127.0.0.1:8082  (snapshotting) - Last replicated: 1000 | Lag: 1',
  ]);
});

test('what a new leader has not heard yet is unknown, not zero', () => {
  const lines = syncLines(
    [follower('127.0.0.1:8081', 'healthy', 8409, 0), follower('127.0.0.1:8082', 'desynced', 0, 8409)],
    pc.createColors(false),
  );
  expect(lines).toEqual([
    '  127.0.0.1:8081 (healthy)    - Last replicated: 8409    | Lag: 0',
    '  127.0.0.1:8082 (desynced)   - Last replicated: unknown | Lag: unknown',
  ]);
});

test('client requests are those under /api/', () => {
  const metrics = [
    '# TYPE http_requests_total counter',
    'http_requests_total{method="POST",route="/api/kv",status="201"} 40',
    'http_requests_total{method="GET",route="/api/kv/:id",status="200"} 2',
    'http_requests_total{method="GET",route="/status",status="200"} 900',
  ].join('\n');
  expect(clientRequests(metrics)).toBe(42);
});
