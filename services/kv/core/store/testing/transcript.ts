import { assert } from '../../../../../kit/assert.ts';
import { type Command, encodeCommand } from '../command.ts';
import { KvStore } from '../store.ts';

/**
 * Runs the commands of a store's transcript:
 *
 *   store n1 n2 rememberedMax=2           makes stores, one for each node
 *   4 create a color red key=k1 node=2    the command that was committed at index 4; every store applies it
 *   5 update a blue key=k2 | 6 delete a
 *   list n1 | hash                        the entries of one store; whether all stores have the same state
 *   restart n2                            store n2 is made again from its own snapshot
 *
 * Entries are called by letters. `key=` is the client's idempotency key, `node=` the node that received the request.
 */
export class StoreTranscript {
  readonly #stores = new Map<string, KvStore>();
  #rememberedMax = 100;

  run(line: string): string {
    const [command, ...words] = line.split(/\s+/);
    switch (command) {
      case 'store':
        return this.#make(words);
      case 'list':
        return this.#list(words[0]!);
      case 'hash':
        return this.#compare();
      case 'restart':
        return this.#restart(words[0]!);
      default:
        return this.#apply(Number(command), words);
    }
  }

  #make(words: readonly string[]): string {
    const options = optionsOf(words);
    this.#rememberedMax = Number(options.rememberedMax ?? this.#rememberedMax);
    for (const name of words.filter((word) => !word.includes('='))) this.#stores.set(name, this.#empty());
    return 'ok';
  }

  #empty(): KvStore {
    return new KvStore({ rememberedMax: this.#rememberedMax });
  }

  #store(name: string): KvStore {
    const store = this.#stores.get(name);
    assert(store !== undefined, `there is no store ${name}: a transcript begins with \`store\``);
    return store;
  }

  #apply(index: number, words: readonly string[]): string {
    const data = encodeCommand(commandOf(index, words));
    const answers = [...this.#stores.values()].map((store) => {
      const { outcome, entry, replayed } = store.apply(index, data);
      const what = entry === null ? '' : ` ${letterOf(entry.id)}: ${entry.key} = ${entry.value}, seq ${entry.seq}`;
      return `${outcome}${what}${replayed ? ', the stored result' : ''}`;
    });
    assert(new Set(answers).size === 1, `the stores answer ${answers.join(' and ')}`);
    return answers[0]!;
  }

  #list(name: string): string {
    const { entries } = this.#store(name).list({ limit: 100 });
    const rows = entries.map(({ id, key, value, seq }) => `${letterOf(id)}: ${key} = ${value}, seq ${seq}`);
    return [...rows, `${this.#store(name).remembered} results remembered`].join('\n');
  }

  #compare(): string {
    const hashes = new Set([...this.#stores.values()].map((store) => store.hash()));
    return hashes.size === 1 ? 'all equal' : `${hashes.size} different states`;
  }

  #restart(name: string): string {
    const chunks = [...this.#store(name).snapshot(16)];
    this.#stores.set(name, KvStore.restore(chunks, { rememberedMax: this.#rememberedMax }));
    return 'ok';
  }
}

function optionsOf(words: readonly string[]): Record<string, string | undefined> {
  return Object.fromEntries(words.filter((word) => word.includes('=')).map((word) => word.split('=')));
}

function commandOf(index: number, words: readonly string[]): Command {
  const [type, letter, ...values] = words.filter((word) => !word.includes('='));
  const { key, node } = optionsOf(words);
  const request = {
    requestId: `request ${index}`,
    timestampMs: index,
    sourceNode: Number(node ?? 1),
    ...(key === undefined ? {} : { idempotencyKey: key }),
  };
  const id = idOf(letter!);
  if (type === 'create') return { ...request, type, id, key: values[0]!, value: values[1]! };
  if (type === 'update') return { ...request, type, id, value: values[0]! };
  assert(type === 'delete', `unknown command in a transcript: ${index} ${words.join(' ')}`);
  return { ...request, type, id };
}

function idOf(letter: string): string {
  return `00000000-0000-4000-8000-0000000000${letter.charCodeAt(0).toString(16)}`;
}

function letterOf(id: string): string {
  return String.fromCharCode(Number.parseInt(id.slice(-2), 16));
}
