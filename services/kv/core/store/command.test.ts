import { describe, expect, test } from '@jest/globals';
import { ByteReader, ByteWriter } from './bytes.ts';
import { type Command, decodeCommand, encodeCommand } from './command.ts';
import { CommandView } from './command-view.ts';

const request = { requestId: '7-1', timestampMs: 1_790_000_000_000, sourceNode: 2 };
const id = '0198c2f4-0000-7abc-8def-0123456789ab';
const create: Command = { ...request, type: 'create', id, key: 'ключ', value: 'v'.repeat(300) };

describe('a command', () => {
  test.each<Command>([
    create,
    { ...create, idempotencyKey: 'retry-1', key: '', value: '' },
    { ...request, type: 'update', id, key: 'k' },
    { ...request, type: 'update', id, value: '🙂' },
    { ...request, type: 'update', id, key: 'k', value: 'v', idempotencyKey: 'x' },
    { ...request, type: 'delete', id },
  ])('survives its encoding: %j', (command) => {
    expect(decodeCommand(encodeCommand(command))).toEqual(command);
  });

  test('of a create takes few bytes beside key and value', () => {
    const small = encodeCommand({ ...request, type: 'create', id, key: 'key', value: 'value' });
    expect(small.length).toBeLessThanOrEqual(3 + 4 + 6 + 1 + 16 + 4 + 6);
  });

  test('of another format, or cut short, is a broken invariant', () => {
    const data = encodeCommand(create);
    expect(() => decodeCommand(Uint8Array.of(9, ...data.subarray(1)))).toThrow('command of format 9');
    expect(() => decodeCommand(data.subarray(0, 20))).toThrow('ends too early');
    expect(() => decodeCommand(Uint8Array.of(...data, 0))).toThrow('1 bytes follow the end');
    expect(() => encodeCommand({ ...create, id: id.toUpperCase() })).toThrow('is no UUID in lower case');
  });
});

test('the fingerprint is of what a client asked for, not of the attempt', () => {
  const print = (command: Command) => new CommandView(encodeCommand(command)).fingerprint(new ByteWriter());
  const attempt = {
    ...create,
    requestId: '8-2',
    timestampMs: 1,
    sourceNode: 0,
    id: '0198c2f4-ffff-7abc-8def-0123456789ab',
  };
  expect(print(attempt)).toEqual(print(create));
  expect(print({ ...create, value: 'w' })).not.toEqual(print(create));
  expect(print({ ...request, type: 'update', id, key: 'x' })).not.toEqual(
    print({ ...request, type: 'update', id, value: 'x' }),
  );
  expect(print({ ...request, type: 'delete', id })).not.toEqual(print({ ...request, type: 'delete', id: attempt.id }));
});

test.each([0, 127, 128, 16_383, 16_384, 2 ** 32, Number.MAX_SAFE_INTEGER])(
  'the integer %d survives its encoding',
  (value) => {
    const writer = new ByteWriter();
    writer.integer(value);
    expect(new ByteReader(writer.view()).integer()).toBe(value);
  },
);
