import { describe, expect, test } from '@jest/globals';
import { createMetrics } from './metrics.ts';

const info = { system: 'kv', node: '2', version: '0.1.0' };

describe('createMetrics', () => {
  test('names the node, and measures HTTP and the runtime', async () => {
    const { contentType, body } = await createMetrics({ info }).exposition();
    expect(contentType).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(body).toContain('gameday_node_info{system="kv",node="2",version="0.1.0"} 1');
    for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_lag_seconds', 'http_requests_in_flight 0']) {
      expect(body).toContain(name);
    }
  });

  test('two registries do not share series', async () => {
    const first = createMetrics({ info, runtime: false });
    const second = createMetrics({ info, runtime: false });
    first.counter({ name: 'things_total', help: 'Things.', labels: ['kind'] }).inc({ kind: 'a' }, 3);
    expect((await first.exposition()).body).toContain('things_total{kind="a"} 3');
    expect((await second.exposition()).body).not.toContain('things_total');
  });

  test('a histogram has exactly the buckets it was given', async () => {
    const metrics = createMetrics({ info, runtime: false });
    metrics.histogram({ name: 'fsync_seconds', help: 'Time.', buckets: [0.1, 1] }).observe(0.5);
    const { body } = await metrics.exposition();
    expect(body.match(/fsync_seconds_bucket\{le="[^"]+"\} \d/g)).toEqual([
      'fsync_seconds_bucket{le="0.1"} 0',
      'fsync_seconds_bucket{le="1"} 1',
      'fsync_seconds_bucket{le="+Inf"} 1',
    ]);
  });

  test('collect runs at each scrape', async () => {
    const metrics = createMetrics({ info, runtime: false });
    let reads = 0;
    metrics.gauge({ name: 'term', help: 'Term.', collect: (gauge) => gauge.set(++reads) });
    await metrics.exposition();
    expect((await metrics.exposition()).body).toContain('term 2');
  });

  test('the HTTP buckets have an edge at every objective', async () => {
    const metrics = createMetrics({ info, runtime: false });
    metrics.http.duration.observe({ method: 'GET', route: '/' }, 0.05);
    const { body } = await metrics.exposition();
    const edges = [...body.matchAll(/duration_seconds_bucket\{le="([^"]+)"/g)].map((match) => match[1]);
    expect(edges).toEqual('0.001 0.0025 0.005 0.01 0.025 0.05 0.1 0.25 0.5 1 2.5 5 +Inf'.split(' '));
  });
});
