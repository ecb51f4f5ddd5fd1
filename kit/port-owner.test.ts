import { createServer } from 'node:net';
import { expect, test } from '@jest/globals';
import { portOwner } from './port-owner.ts';

const onLinux = process.platform === 'linux' ? test : test.skip;

onLinux('names the process that listens on a port, and nobody once it has stopped', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  expect(await portOwner(port)).toEqual({ pid: process.pid, command: expect.stringMatching(/\S/) });
  await new Promise((resolve) => server.close(resolve));
  expect(await portOwner(port)).toBeNull();
});
