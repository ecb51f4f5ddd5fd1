/** What a value from a file that somebody wrote should look like: every difference is one sentence with the field's path. */
import { suggestion } from '../scenario/problems.ts';

/** Sentences on what is wrong with the value at the path; none when it fits. */
export interface Shape {
  (value: unknown, path: string): Iterable<string>;
  /** Of an object with known fields. */
  readonly fields?: Readonly<Record<string, Field>>;
  /** Of a list or a record: that of its elements. */
  readonly element?: Shape;
}

export interface Field {
  readonly shape: Shape;
  readonly required: boolean;
}

export const required = (shape: Shape): Field => ({ shape, required: true });
export const optional = (shape: Shape): Field => ({ shape, required: false });

/** A value for which the test holds; `expected` follows the word "expected". */
export function value(expected: string, test: (value: unknown) => boolean): Shape {
  return function* (it, path) {
    if (!test(it)) yield `\`${path}\` is ${show(it)}: expected ${expected}`;
  };
}

export function text(expected = 'a text', pattern = /./s): Shape {
  return value(expected, (it) => typeof it === 'string' && pattern.test(it));
}

export function whole(least: number, most: number): Shape {
  return value(
    `a whole number from ${least} to ${most}`,
    (it) => Number.isInteger(it) && (it as number) >= least && (it as number) <= most,
  );
}

export function callable(signature: string): Shape {
  return value(`a function ${signature}`, (it) => typeof it === 'function');
}

export function oneOf(names: readonly string[]): Shape {
  return function* (it, path) {
    if (typeof it !== 'string' || !names.includes(it))
      yield `\`${path}\` is ${show(it)}: expected ${names.join(' or ')}${typeof it === 'string' ? suggestion(it, names) : ''}`;
  };
}

export function list(element: Shape, least = 0): Shape {
  function* check(it: unknown, path: string): Iterable<string> {
    if (!Array.isArray(it)) yield `\`${path}\` is ${show(it)}: expected a list`;
    else if (it.length < least) yield `\`${path}\` has ${it.length} entries: expected at least ${least}`;
    else for (const [index, each] of it.entries()) yield* element(each, `${path}[${index}]`);
  }
  return Object.assign(check, { element });
}

export function record(element: Shape, expectedName = 'a name', name = /./s): Shape {
  function* check(it: unknown, path: string): Iterable<string> {
    if (!isObject(it)) {
      yield `\`${path}\` is ${show(it)}: expected an object`;
      return;
    }
    for (const [key, each] of Object.entries(it)) {
      if (!name.test(key)) yield `"${key}" in \`${path}\` is not ${expectedName}`;
      yield* element(each, `${path}.${key}`);
    }
  }
  return Object.assign(check, { element });
}

export function object(fields: Readonly<Record<string, Field>>): Shape {
  function* check(it: unknown, path: string): Iterable<string> {
    if (!isObject(it)) {
      yield `\`${path}\` is ${show(it)}: expected an object`;
      return;
    }
    const where = path === '' ? 'the manifest' : `\`${path}\``;
    const names = Object.keys(fields);
    const unknown = Object.keys(it).filter((key) => !Object.hasOwn(fields, key));
    // A misspelt field that is required is one mistake, not two.
    const hints = unknown.map((key) => [key, suggestion(key, names)] as const);
    for (const [key, hint] of hints)
      yield `unknown field "${key}" in ${where}${hint || `; expected ${names.join(', ')}`}`;
    for (const [key, field] of Object.entries(fields)) {
      const each = (it as Readonly<Record<string, unknown>>)[key];
      if (each !== undefined) yield* field.shape(each, path === '' ? key : `${path}.${key}`);
      else if (field.required && !hints.some(([, hint]) => hint.includes(`"${key}"`)))
        yield `${where} lacks the field "${key}"`;
    }
  }
  return Object.assign(check, { fields });
}

/** An object of one shape, or anything else of the other. */
export function either(other: Shape, ofObjects: Shape): Shape {
  function* check(it: unknown, path: string): Iterable<string> {
    yield* (isObject(it) ? ofObjects : other)(it, path);
  }
  return Object.assign(check, ofObjects.fields === undefined ? {} : { fields: ofObjects.fields });
}

function isObject(it: unknown): it is object {
  return typeof it === 'object' && it !== null && !Array.isArray(it);
}

function show(it: unknown): string {
  if (it === undefined) return 'nothing';
  if (typeof it === 'function') return 'a function';
  const json = JSON.stringify(it) ?? String(it);
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}
