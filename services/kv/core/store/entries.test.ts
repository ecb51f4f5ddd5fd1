import { expect, test } from '@jest/globals';
import { Prng } from '../../../../kit/prng.ts';
import { Entries, NO_ENTRY } from './entries.ts';

/** 16 bytes behind a few others; low and high numbers differ in each of the words. */
function idOf(number: number): Uint8Array {
  const bytes = new Uint8Array(19);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 4; i++) view.setUint32(3 + 4 * i, (number % 5 ** (4 - i)) * 0x3fff_ffff);
  view.setUint32(3 + 12, number);
  return bytes;
}

test('behave like a Map by id through random additions, moves and removals', () => {
  const random = new Prng(5);
  const entries = new Entries();
  const expected = new Map<number, { readonly entry: number; readonly slot: number }>();
  for (let step = 0; step < 20_000; step++) {
    const id = random.integer(0, 1500);
    const bytes = idOf(id);
    const known = expected.get(id);
    expect(entries.find(bytes, 3)).toBe(known?.entry ?? NO_ENTRY);
    if (known === undefined) {
      expected.set(id, { entry: entries.add(bytes, 3, step), slot: step });
    } else if (random.integer(0, 3) === 0) {
      entries.move(known.entry, step);
      expected.set(id, { entry: known.entry, slot: step });
    } else {
      entries.remove(known.entry);
      expected.delete(id);
    }
    expect(entries.size).toBe(expected.size);
  }
  expect(new Set([...expected.values()].map(({ entry }) => entry)).size).toBe(expected.size);
  for (const { entry, slot } of expected.values()) expect(entries.slot(entry)).toBe(slot);
});

test('compare as their ids do, also with an id that is not there', () => {
  const random = new Prng(6);
  const entries = new Entries();
  for (let i = 0; i < 1000; i++) {
    const [a, b] = [idOf(random.integer(0, 1000)), idOf(random.integer(0, 1000))];
    const order = Math.sign(Buffer.compare(a, b));
    const entry = entries.add(a, 3, 0);
    expect(Math.sign(entries.compare(entry, entries.sought(b, 3)))).toBe(order);
    entries.remove(entry);
  }
});

test('an entry that is not there cannot be removed', () => {
  const entries = new Entries();
  const entry = entries.add(idOf(1), 3, 0);
  entries.remove(entry);
  expect(() => entries.remove(entry)).toThrow(`there is no entry ${entry}`);
});
