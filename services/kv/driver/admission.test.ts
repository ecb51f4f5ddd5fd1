import { expect, test } from '@jest/globals';
import { createLogger } from '../../../kit/logger.ts';
import { Admission, type AdmissionParts } from './admission.ts';

/** Starts node 0 with a directory whose members are 0, 1, 2, and with these members on its command line. */
async function warnings(given: readonly number[]): Promise<string> {
  let log = '';
  const stream = {
    write: (line: string) => {
      log += line;
    },
  };
  const place = (id: number) => ({ host: '127.0.0.1', port: 8080 + id, peerPort: 9080 + id });
  const members = { 0: '127.0.0.1:8080/9080#a', 1: '127.0.0.1:8081/9081#b', 2: '127.0.0.1:8082/9082#c' };
  const admission = new Admission({
    config: { members: given.map((id) => ({ id, ...place(id) })), join: null },
    identity: { clusterId: 'c', nodeId: 0, instanceId: 'a', members, joined: false, incarnation: 2 },
    self: { ...place(0), instanceId: 'a' },
    transport: { call: async () => null },
    logger: createLogger({ level: 'warn', bindings: {}, stream }),
    signal: new AbortController().signal,
    begin: async () => {},
    isVoter: () => true,
  } satisfies AdmissionParts);
  await admission.enter();
  return log;
}

test('--peers that names other members than the directory is ignored with a warning; the usual restart is silent', async () => {
  expect(await warnings([0, 1, 2])).toBe('');
  // Without --peers a node knows of itself only.
  expect(await warnings([0])).toBe('');
  expect(await warnings([0, 1, 5])).toContain('--peers is ignored where it names other members (5)');
});
