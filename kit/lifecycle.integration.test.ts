import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { until } from './until.ts';

const children: ChildProcessWithoutNullStreams[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

async function start(timeoutMs = 5000) {
  const program = join(import.meta.dirname, 'testing/slow-server.ts');
  const child = spawn(process.execPath, ['--no-warnings', program, String(timeoutMs)]);
  children.push(child);
  const lines: Record<string, unknown>[] = [];
  let rest = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop()!;
    lines.push(...parts.map((line) => JSON.parse(line)));
  });
  const said = (msg: string) => until(() => lines.find((line) => line.msg === msg), { what: `"${msg}"` });
  const { url } = (await said('listening')) as { url: string };
  return { child, url, lines, said, exited: once(child, 'exit') as Promise<[number | null, string | null]> };
}

describe('the end of a real process', () => {
  test('what is in flight completes, newcomers are turned away, and it exits with 0', async () => {
    const { child, url, lines, said, exited } = await start();
    const inFlight = fetch(`${url}/slow`);
    await said('request arrived');
    child.kill('SIGTERM');
    await said('stopping');
    const newcomer = await fetch(`${url}/slow`).then(
      (response) => response.status,
      () => 'refused',
    );
    expect([503, 'refused']).toContain(newcomer);
    expect(lines.map((line) => line.msg)).not.toContain('store closed');
    child.stdin.write('release');
    expect(await (await inFlight).json()).toEqual({ done: true });
    expect(await exited).toEqual([0, null]);
    expect(lines.slice(-2).map((line) => line.msg)).toEqual(['store closed', 'stopped']);
  });

  test('it exits with 1 when the time is over', async () => {
    const { child, url, said, lines, exited } = await start(50);
    fetch(`${url}/slow`).catch(() => {});
    await said('request arrived');
    child.kill('SIGINT');
    expect(await exited).toEqual([1, null]);
    expect(lines.at(-1)).toMatchObject({ level: 'fatal', closing: 'app', msg: 'not closed in time' });
  });

  test('a second signal ends it at once', async () => {
    const { child, url, said, exited } = await start();
    fetch(`${url}/slow`).catch(() => {});
    await said('request arrived');
    child.kill('SIGTERM');
    await said('stopping');
    child.kill('SIGTERM');
    expect(await exited).toEqual([143, null]);
  });

  test('an unhandled error is logged and ends it with 1', async () => {
    const { url, lines, exited } = await start();
    fetch(`${url}/bug`).catch(() => {});
    expect(await exited).toEqual([1, null]);
    expect(lines.at(-1)).toMatchObject({ level: 'fatal', msg: 'unhandled error', err: { message: 'a bug' } });
  });
});
