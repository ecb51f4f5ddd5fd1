import { describe, expect, test } from '@jest/globals';
import { encodeCommand } from '../../services/kv/core/store/command.ts';
import { KvStore } from '../../services/kv/core/store/store.ts';
import { idOf } from './messages.ts';
import { Reference, type Tracked } from './reference.ts';

const id = idOf(1);

/** A reference beside one store, in which writes to one register are committed one after the other. */
function history() {
  const reference = new Reference();
  const store = new KvStore();
  let index = 0;
  let attempts = 0;
  const commit = (request: Tracked, value: string, requestId = `r${++attempts}`) => {
    reference.attempted(requestId, request);
    const key = request.idempotencyKey === undefined ? {} : { idempotencyKey: request.idempotencyKey };
    const type = store.get(id) === undefined ? ('create' as const) : ('update' as const);
    const data = encodeCommand({ type, id, key: 'k', value, requestId, timestampMs: 0, sourceNode: 1, ...key });
    index += 1;
    reference.committed({ index, term: 1, kind: 'command', data });
    const result = store.apply(index, data);
    reference.applied(1, index, result);
    return result;
  };
  const write = (value: string) => {
    const request = reference.track(`write ${value}`, undefined);
    reference.writeAnswered(request, commit(request, value));
  };
  const entry = (value: string) => ({ ...store.get(id)!, value });
  return { reference, store, commit, write, entry, read: () => reference.track('read', undefined) };
}

describe('reads', () => {
  test('may give what was so at any time since they began, and nothing older', () => {
    const { reference, write, entry, read } = history();
    write('a');
    const early = read();
    write('b');
    reference.readAnswered(early, id, entry('a'));
    const late = read();
    expect(() => reference.readAnswered(late, id, entry('a'))).toThrow(
      'read reads a; since it began, when 2 had been answered, the value was b from 2 on',
    );
  });

  test('may not go back behind what another read has seen', () => {
    const { reference, commit, write, entry, read } = history();
    write('a');
    commit(reference.track('write b, not answered', undefined), 'b');
    reference.readAnswered(read(), id, entry('a'));
    reference.readAnswered(read(), id, entry('b'));
    expect(() => reference.readAnswered(read(), id, entry('a'))).toThrow('read reads a');
  });

  test('may not invent a value, nor miss an entry', () => {
    const { reference, write, entry, read } = history();
    reference.readAnswered(read(), id, undefined);
    write('a');
    expect(() => reference.readAnswered(read(), id, entry('x'))).toThrow('read reads x');
    expect(() => reference.readAnswered(read(), id, undefined)).toThrow('read reads null');
  });
});

describe('writes', () => {
  test('that are acknowledged were committed, after everything that was answered before they began', () => {
    const { reference, commit, write, store } = history();
    const lost = reference.track('write lost', undefined);
    write('a');
    const result = commit(reference.track('write b', undefined), 'b');
    expect(() => reference.writeAnswered(lost, result)).toThrow('acknowledged, but was never committed');
    expect(store.get(id)?.value).toBe('b');
    const early = reference.track('write early', undefined);
    commit(early, 'c');
    write('d');
    expect(() => reference.writeAnswered({ ...early, after: 4 }, result)).toThrow();
  });

  test('take effect once: a second time without a key, or after a definite refusal, is found', () => {
    const { reference, commit } = history();
    const request = reference.track('write a', undefined);
    commit(request, 'a', 'same');
    const again = encodeCommand({ type: 'delete', id, requestId: 'same', timestampMs: 0, sourceNode: 1 });
    expect(() => reference.committed({ index: 2, term: 1, kind: 'command', data: again })).toThrow('and again at 2');
    expect(() => reference.refused('same')).toThrow('refused for certain, but committed at 1');
    reference.attempted('refused', request);
    reference.refused('refused');
    expect(() => commitOf(reference, 'refused')).toThrow('was refused for certain');
    expect(() => commitOf(reference, 'nobody')).toThrow('a command that nobody made');
  });

  test('with a key give the first result again, and a node that applies them again is found', () => {
    const { reference, commit } = history();
    const request = reference.track('write a', 'key');
    const first = commit(request, 'a');
    expect(commit(reference.track('write b', undefined), 'b').outcome).toBe('updated');
    reference.attempted('repeat', request);
    const data = encodeCommand({
      ...{ type: 'create', id, key: 'k', value: 'a', requestId: 'repeat' },
      ...{ idempotencyKey: 'key', timestampMs: 0, sourceNode: 1 },
    } as const);
    reference.committed({ index: 3, term: 1, kind: 'command', data });
    const repeated = { ...first, requestId: 'repeat' };
    expect(() => reference.applied(1, 3, { ...repeated, replayed: false })).toThrow('applies again write a at 3');
    reference.applied(1, 3, { ...repeated, replayed: true });
    reference.writeAnswered(request, { ...repeated, replayed: true });
  });
});

test('nodes whose states differ at one index are found', () => {
  const { reference } = history();
  reference.hash(1, 5, 'aa');
  reference.hash(2, 6, 'bb');
  reference.hash(2, 5, 'aa');
  expect(() => reference.hash(3, 6, 'aa')).toThrow('node 3 has state aa after 6, others have bb');
});

function commitOf(reference: Reference, requestId: string): void {
  const data = encodeCommand({ type: 'delete', id, requestId, timestampMs: 0, sourceNode: 1 });
  reference.committed({ index: 2, term: 1, kind: 'command', data });
}
