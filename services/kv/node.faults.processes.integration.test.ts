import { rm } from 'node:fs/promises';
import { afterEach, expect, jest, test } from '@jest/globals';
import type { NodeFaultSet } from '../../kit/system.ts';
import { type NodeProcess, ProcessCluster, until } from './driver/testing/processes.ts';
import manifest from './system.ts';
import { ADMIN_TOKEN } from './testing/app.ts';

jest.setTimeout(120_000);
const EXIT_COULD_NOT_RUN = 4;
const FLAGS = ['--faults', '--admin-token', ADMIN_TOKEN];

let cluster: ProcessCluster;
afterEach(() => cluster.remove());

const apply = ({ url }: NodeProcess, set: NodeFaultSet) => manifest.nodeFaults.apply(url, ADMIN_TOKEN, set);

test('a torn write kills the node, which comes back without it; a flipped bit keeps it from starting, until it joins anew', async () => {
  cluster = await ProcessCluster.create(3, FLAGS);
  const nodes = await cluster.startAll();
  const leader = await cluster.leader(nodes);
  const victim = nodes.find((node) => node !== leader)!;
  const others = nodes.filter((node) => node !== victim);
  for (let i = 0; i < 5; i++) await leader.create(`k${i}`, 'v');

  await apply(victim, { disk: { torn_write: true } });
  await leader.create('torn', 'v');
  await victim.ended();
  expect(victim.child.signalCode).toBe('SIGKILL');
  const again = cluster.start(victim.id);
  await again.ready();
  expect(again.output).toContain('an unfinished last write was cut off');
  await cluster.converged([...others, again]);
  expect(await manifest.nodeFaults.read(again.url, ADMIN_TOKEN)).toEqual({});

  await apply(again, { disk: { flip_bit: true } });
  await again.create('after the bit', 'v');
  await again.kill();
  const damaged = cluster.start(victim.id);
  expect(await damaged.ended()).toBe(EXIT_COULD_NOT_RUN);
  expect(damaged.output).toMatch(/\.wal is damaged at byte \d+/);
  expect(damaged.output).not.toContain(ADMIN_TOKEN);

  await rm(cluster.dataDirectory(victim.id), { recursive: true });
  const members = others.map(({ id }) => `127.0.0.1:${cluster.portOf(id)}/${cluster.peerPortOf(id)}`);
  const rejoined = cluster.startAt(victim.id + 3, victim.id, ['--join', members.join(',')]);
  await until('a voter in place of the old one', async () => {
    const status = await rejoined.status();
    const found = status?.members.find(({ node_id }) => node_id === rejoined.id);
    return found?.kind === 'voter' && !status?.members.some(({ node_id }) => node_id === victim.id);
  });
  await cluster.converged([...others, rejoined]);
});

test('what a lying disk has not written is lost with the process', async () => {
  cluster = await ProcessCluster.create(1, FLAGS);
  const [node] = await cluster.startAll();
  const kept = await node!.create('kept', 'v');
  await apply(node!, { disk: { lie_about_fsync: true } });
  const lost = await node!.create('lost', 'v');
  expect(await node!.metric('kv_acknowledged_before_sync_total')).toBe(1);
  await node!.kill();
  const again = cluster.start(0);
  await again.ready();
  expect(await again.get(`/api/kv/${kept.id}`)).toEqual(kept);
  expect(await again.get(`/api/kv/${lost.id}`)).toBeNull();
});
