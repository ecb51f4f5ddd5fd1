import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { startFailure } from './start-failure.ts';
import { freePorts } from './testing/ports.ts';

const config = { port: 8081, peerPort: 9081 };
const listenError = (code: string, port: number, address = '127.0.0.1') =>
  Object.assign(new Error(`listen ${code}`), { code, syscall: 'listen', port, address });

describe('startFailure', () => {
  test('a port in use names who has it, and which flag chooses another', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const message = await startFailure(listenError('EADDRINUSE', port), { port, peerPort: 1 });
    server.close();
    expect(message).toContain(`port ${port} is in use by `);
    if (process.platform === 'linux') expect(message).toContain(`process ${process.pid} (`);
    expect(message).toContain('choose another port with --port here');
  });

  test('the peer port has a flag of its own, and an owner that cannot be seen is said so', async () => {
    const [peerPort] = (await freePorts(1)) as [number];
    expect(await startFailure(listenError('EADDRINUSE', peerPort), { port: 8081, peerPort })).toBe(
      `port ${peerPort} is in use by another process: stop it, or choose another port with --peer-port here and the same one in the other nodes' --peers`,
    );
  });

  test.each([
    ['EACCES', '127.0.0.1', 'port 8081 needs privileges that this process lacks: choose one above 1023 with --port'],
    ['EADDRNOTAVAIL', '10.9.9.9', '--host 10.9.9.9 is no address of this machine'],
  ])('%s on %s', async (code, address, message) => {
    expect(await startFailure(listenError(code, 8081, address), config)).toBe(message);
  });

  test('anything else speaks for itself', async () => {
    expect(await startFailure(new Error('the directory is taken'), config)).toBe('the directory is taken');
  });
});
