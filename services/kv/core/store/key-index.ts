import { OrderedIds } from './ordered-ids.ts';

/** The ids of the entries with a given key. Keys are not unique, but mostly there is one entry each, which then takes no set. */
export class KeyIndex {
  readonly #ids = new Map<string, string | OrderedIds>();

  add(key: string, id: string): void {
    const known = this.#ids.get(key);
    if (known === undefined) {
      this.#ids.set(key, id);
    } else if (typeof known === 'string') {
      const several = new OrderedIds();
      several.add(known);
      several.add(id);
      this.#ids.set(key, several);
    } else {
      known.add(id);
    }
  }

  /** `id` is among those of `key`. */
  remove(key: string, id: string): void {
    const known = this.#ids.get(key);
    if (known instanceof OrderedIds) {
      known.remove(id);
      if (known.isEmpty) this.#ids.delete(key);
    } else {
      this.#ids.delete(key);
    }
  }

  /** At most `limit` ids with this key, ascending, greater than `after`. */
  page(key: string, limit: number, after: string | undefined): string[] {
    const known = this.#ids.get(key);
    if (known instanceof OrderedIds) return known.page(limit, after);
    return known === undefined || (after !== undefined && known <= after) ? [] : [known];
  }
}
