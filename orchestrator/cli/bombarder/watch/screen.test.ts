import { describe, expect, test } from '@jest/globals';
import pc from 'picocolors';
import type { NodeStatus } from '../../../../services/kv/api.ts';
import { EventLog } from './events.ts';
import type { ClusterView, NodeView } from './observe.ts';
import { conditionOf, renderLine, renderScreen } from './screen.ts';

const NOON = Date.parse('2026-01-31T12:00:00');

/** Node `id`, which leads or follows; `change` says what else is different. */
function node(id: number, role: 'leader' | 'follower', change: Partial<NodeView> = {}): NodeView {
  const status = {
    ...{ node_id: id, role, is_leader: role === 'leader', term: 4, commit_index: 123_456, applied_index: 123_456 },
    ...{ entries: 100_000, state_hash: '0123456789abcdef', uptime_seconds: 100 },
  } as NodeStatus;
  const follower = {
    ...{ node_id: id, address: `127.0.0.1:808${id}`, status: 'healthy' as const, last_replicated_index: 1, lag: 0 },
    ...{ last_contact_ms: 40, consecutive_failures: 0 },
  };
  return {
    ...{ url: `http://127.0.0.1:808${id}`, address: `127.0.0.1:808${id}`, node: id, status, health: 'healthy' },
    ...{ follower: role === 'leader' ? null : follower, operationsPerSecond: 312.4, agreement: 'equal' },
    ...change,
  };
}

const silent: Partial<NodeView> = { status: null, health: null, agreement: 'unknown', operationsPerSecond: null };

const view = (nodes: readonly NodeView[], at = NOON): ClusterView => {
  const leader = nodes.findIndex(({ status }) => status?.is_leader);
  return { at, nodes, leader: leader < 0 ? null : leader, term: leader < 0 ? null : 4 };
};

const healthy = () => view([node(0, 'leader'), node(1, 'follower'), node(2, 'follower')]);

function drawn(
  looks: readonly ClusterView[],
  width: number,
  height: number,
  colors = pc.createColors(false),
): string[] {
  const log = new EventLog();
  for (const look of looks) log.add(look);
  const last = looks.at(-1)!;
  return renderScreen(last, log, { title: 'bombarder watch', width, height, colors, now: last.at + 2000 });
}

describe('the screen', () => {
  test.each([
    [80, 24],
    [120, 40],
    [200, 60],
    [60, 12],
  ])('%d × %d: as many lines as there are, none wider', (width, height) => {
    const later = Array.from({ length: 60 }, (_, second) =>
      view(
        [node(0, 'leader'), node(1, 'follower', second % 2 ? silent : {}), node(2, 'follower')],
        NOON + second * 1000,
      ),
    );
    const lines = drawn(later, width, height);
    expect(lines).toHaveLength(height);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
    expect(lines.at(-1)).toBe('q leaves');
  });

  test('80 × 24 shows every column, and what happened', () => {
    const before = healthy();
    const after = view([node(0, 'follower', silent), node(1, 'leader'), node(2, 'follower')], NOON + 1000);
    const text = drawn([before, after], 80, 24).join('\n');
    expect(text).toMatch(/node +role +term +commit +applied +lag +heard +entries +ops\/s +state/);
    expect(text).toMatch(/^1 +leader +4 +123456 +123456 +– +– +100000 +312 +✔ same$/m);
    expect(text).toMatch(/^0 +no answer/m);
    expect(text).toContain('     2s ago  node 1 became leader in term 4 (before: node 0)');
    expect(text).toContain('     2s ago  node 0 stopped answering');
  });

  test('colour only where there is a terminal for it', () => {
    expect(drawn([healthy()], 80, 24).join('')).not.toContain('\u001b');
    expect(drawn([healthy()], 80, 24, pc.createColors(true)).join('')).toContain('\u001b[32m');
  });
});

describe('one sentence says how the cluster is', () => {
  const of = (nodes: readonly NodeView[]) => conditionOf(view(nodes), new EventLog());
  const following = node(1, 'follower');

  test.each([
    ['HEALTHY: all 3 nodes serve, node 0 leads in term 4', [node(0, 'leader'), following, node(2, 'follower')]],
    ['DEGRADED: node 2 does not answer; 2 of 3 serve', [node(0, 'leader'), following, node(2, 'follower', silent)]],
    ['NO LEADER for 0s: writes wait', [node(0, 'follower'), following, node(2, 'follower', silent)]],
    [
      'writes wait; node 0 and node 2 do not answer',
      [node(0, 'follower', silent), following, node(2, 'follower', silent)],
    ],
    [
      'NO MAJORITY: writes wait; node 1 and node 2 do not answer',
      [node(0, 'leader'), node(1, 'follower', silent), node(2, 'follower', silent)],
    ],
    ['DOWN: no node answers', [node(0, 'follower', silent)]],
    [
      'INCONSISTENT: node 1 and the rest hold different states',
      [node(0, 'leader'), node(1, 'follower', { agreement: 'different' })],
    ],
    [
      'CATCHING UP: node 1 is snapshotting',
      [node(0, 'leader'), { ...following, follower: { ...following.follower!, status: 'snapshotting' as const } }],
    ],
  ])('%s', (text, nodes) => expect(of(nodes).text).toContain(text));

  test('a difference is worse than a silent node', () => {
    expect(of([node(0, 'leader', { agreement: 'different' }), node(1, 'follower', silent)]).text).toMatch(
      /^INCONSISTENT/,
    );
  });
});

describe('what changed', () => {
  const told = (...looks: readonly ClusterView[]) => {
    const log = new EventLog();
    return looks.map((look) => log.add(look).map(({ text }) => text));
  };
  const gone = (at: number) => view([node(0, 'leader'), node(1, 'follower', silent)], at);
  const both = (at: number) => view([node(0, 'leader'), node(1, 'follower')], at);

  test('a node goes and comes back', () => {
    expect(told(both(NOON), gone(NOON + 1000), gone(NOON + 2000), both(NOON + 13_000), both(NOON + 14_000))).toEqual([
      ['node 0 leads in term 4'],
      ['node 1 stopped answering'],
      [],
      ['node 1 answers again, after 12s'],
      [],
    ]);
  });

  test('the leader goes, and another comes', () => {
    const none = view([node(0, 'leader', silent), node(1, 'follower')], NOON + 1000);
    const other = view([node(0, 'leader', silent), node(1, 'leader')], NOON + 2000);
    expect(told(both(NOON), none, other).slice(1)).toEqual([
      ['node 0 stopped answering', 'there is no leader: writes wait'],
      ['node 1 became leader in term 4 (before: node 0)'],
    ]);
  });

  test('a restart that no look saw', () => {
    const young = node(1, 'follower');
    const restarted = { ...young, status: { ...young.status!, uptime_seconds: 1 } };
    expect(told(both(NOON), view([node(0, 'leader'), restarted], NOON + 1000))[1]).toEqual(['node 1 was restarted']);
  });

  test('a follower falls behind; a state differs', () => {
    const behind = node(1, 'follower');
    const follower = { ...behind.follower!, status: 'lagging' as const, lag: 900 };
    const look = view([node(0, 'leader'), { ...behind, follower, agreement: 'different' }], NOON + 1000);
    expect(told(both(NOON), look, look).slice(1)).toEqual([
      ['node 1 lags, lag 900', 'node 1 HOLDS ANOTHER STATE than the rest'],
      [],
    ]);
  });
});

test('without a terminal: one line a look', () => {
  expect(renderLine(healthy(), new EventLog())).toMatch(
    /^2026-01-31T\S+Z {2}HEALTHY: all 3 nodes serve, node 0 leads in term 4 {2}\(3\/3 up, applied 123456, 937 ops\/s\)$/,
  );
});
