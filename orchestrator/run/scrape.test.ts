import { expect, test } from '@jest/globals';
import type { PromApi, ScrapeTarget } from '../verdict/api.ts';
import { nodeTarget, untilScraped } from './scrape.ts';

const place = { index: 1, host: '10.0.0.1', ports: { http: 80, metrics: 9100 }, dataDirectory: '' };

test('a node is the instance of its first port, whatever port its metrics are on', () => {
  const node = { index: 1, url: 'http://10.0.0.1', place };
  expect(nodeTarget(node, { path: '/m' }, 'x')).toEqual({
    targets: ['10.0.0.1'],
    labels: { job: 'x', node: '1', instance: '10.0.0.1', __metrics_path__: '/m' },
  });
  expect(nodeTarget(node, { path: '/m', port: 'metrics' }, 'x')).toMatchObject({
    targets: ['10.0.0.1:9100'],
    labels: { instance: '10.0.0.1' },
  });
  expect(nodeTarget({ ...node, url: 'https://10.0.0.1:1' }, { path: '/m' }, 'x').labels.__scheme__).toBe('https');
});

const target = (lastError: string, health: ScrapeTarget['health'] = 'down'): ScrapeTarget => ({
  ...{ labels: { node: '1' }, scrapeUrl: 'http://n1/metrics', health, lastError },
});
const scraped = (targets: readonly ScrapeTarget[]) =>
  untilScraped({ targets: async () => targets } as unknown as PromApi, targets.length, new AbortController().signal);

test('an answer that does not parse is said in the words of Prometheus', async () => {
  const broken = target('expected value after metric, got "is"');
  await expect(scraped([target('', 'up'), broken])).rejects.toThrow(
    'Prometheus gets metrics from 1 of 2 targets: correct what the others answer, or `metrics` in the manifest\n' +
      'node 1 (http://n1/metrics): its metrics do not parse: expected value after metric, got "is"',
  );
  await scraped([target('', 'up')]);
}, 10_000);
