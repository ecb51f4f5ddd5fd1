import { describe, expect, test } from '@jest/globals';
import type { Scenario } from '../scenario/types.ts';
import { createRunMetrics, MetricsServer, recoveringSeconds } from './metrics.ts';
import { CHECKERS, type FaultRecord } from './record.ts';

const scenario = {
  id: 'kv-x',
  system: 'kv',
  objectives: { availability: { unit: 'ratio', value: 0.999 }, write_p99: { unit: 'seconds', value: 0.05 } },
  faults: [{ name: 'dies', kind: 'kill', target: 'leader', parameters: {}, atMs: 0, healAfterMs: 0 }],
} as unknown as Scenario;

function create() {
  const time = { now: 10_000 };
  const metrics = createRunMetrics({
    runId: 'r',
    version: '1',
    scenario,
    nodes: 3,
    checkers: CHECKERS,
    probed: true,
    now: () => time.now,
  });
  const lines = async () =>
    (await metrics.exposition()).body.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return { metrics, time, lines };
}

const fault = (change: Partial<FaultRecord> = {}): FaultRecord => ({
  name: 'dies',
  kind: 'kill',
  target: 'leader',
  ...change,
});

describe("the orchestrator's metrics", () => {
  test('exist from the start, objectives and planned faults included', async () => {
    const { lines } = create();
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'gameday_phase{phase="starting"} 1',
        'gameday_phase{phase="loading"} 0',
        'gameday_run_info{run_id="r",scenario="kv-x",system="kv"} 1',
        'gameday_nodes_expected 3',
        'gameday_objective_availability_ratio 0.999',
        'gameday_objective_write_p99_seconds 0.05',
        'gameday_fault_active{fault="dies",kind="kill",target="leader"} 0',
        'gameday_faults_injected_total{fault="dies",kind="kill"} 0',
        'gameday_recovering_seconds{fault="dies",injection="1"} 0',
      ]),
    );
  });

  test('follow the phase', async () => {
    const { metrics, lines } = create();
    metrics.phase('settling');
    expect((await lines()).filter((line) => line.startsWith('gameday_phase'))).toEqual([
      'gameday_phase{phase="starting"} 0',
      'gameday_phase{phase="loading"} 0',
      'gameday_phase{phase="settling"} 1',
    ]);
  });

  test('follow a fault to its recovery; each injection counts once', async () => {
    const { metrics, time, lines } = create();
    metrics.fault(fault({ injectedAt: 9000 }));
    metrics.fault(fault({ injectedAt: 9000, serviceRecoveredAt: 9600 }));
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'gameday_fault_active{fault="dies",kind="kill",target="leader"} 1',
        'gameday_faults_injected_total{fault="dies",kind="kill"} 1',
        'gameday_recovery_service_seconds{fault="dies",injection="1"} 0.6',
        'gameday_recovering_seconds{fault="dies",injection="1"} 0',
      ]),
    );
    const healed = fault({ injectedAt: 9000, serviceRecoveredAt: 9600, healedAt: 10_000 });
    metrics.fault(healed);
    time.now = 12_000;
    expect(await lines()).toContain('gameday_recovering_seconds{fault="dies",injection="1"} 2');
    metrics.fault({ ...healed, recoveredAt: 12_500 });
    expect(await lines()).toEqual(
      expect.arrayContaining([
        'gameday_fault_active{fault="dies",kind="kill",target="leader"} 0',
        'gameday_recovery_seconds{fault="dies",injection="1"} 2.5',
        'gameday_recovering_seconds{fault="dies",injection="1"} 0',
      ]),
    );
  });

  test('a service that does not come back ages from the injection on', () => {
    expect(recoveringSeconds(fault({ injectedAt: 1000, healedAt: 9000 }), 11_000)).toBe(10);
  });

  test('are served on loopback', async () => {
    const { metrics } = create();
    const server = await MetricsServer.start(metrics);
    const answer = await fetch(`http://127.0.0.1:${server.port}/metrics`);
    expect(await answer.text()).toContain('gameday_nodes_expected 3');
    expect((await fetch(`http://127.0.0.1:${server.port}/`)).status).toBe(404);
    await server.stop();
  });
});
