import { describe, expect, test } from '@jest/globals';
import { Ajv } from 'ajv';
import { describeViolation, nearestName } from './schema.ts';

const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['key'],
  properties: {
    key: { type: 'string', minLength: 1, maxLength: 4 },
    value: { type: 'string' },
    many: { type: 'array', items: { type: 'integer', minimum: 0 } },
    mode: { enum: ['add', 'remove'] },
    id: { type: 'string', pattern: '^[a-f]+$' },
  },
};

function violation(value: unknown): string {
  const ajv = new Ajv({ verbose: true });
  expect(ajv.validate(schema, value)).toBe(false);
  return describeViolation(ajv.errors![0]!, 'body');
}

describe('describeViolation', () => {
  test.each([
    [{}, 'body lacks "key"'],
    [[], 'body = []: requires an object'],
    [null, 'body = null: requires an object'],
    [{ key: 5 }, 'body.key = 5: requires a string'],
    [{ key: '' }, 'body.key = "": requires at least 1 character'],
    [{ key: 'abcde' }, 'body.key = "abcde": requires at most 4 characters, has 5'],
    [{ key: 'k', vlaue: 'v' }, 'body has no field "vlaue": did you mean "value"?'],
    [{ key: 'k', zzzzzzz: 1 }, 'body has no field "zzzzzzz": the fields are key, value, many, mode, id'],
    [{ key: 'k', many: [1, -1] }, 'body.many.1 = -1: requires a number >= 0'],
    [{ key: 'k', mode: 'ad' }, 'body.mode = "ad": requires one of "add", "remove"'],
    [{ key: 'k', id: 'xyz' }, 'body.id = "xyz": must match pattern "^[a-f]+$"'],
  ])('%j → %s', (value, message) => {
    expect(violation(value)).toBe(message);
  });

  test('a long value and a long name are cut', () => {
    expect(violation({ key: 'x'.repeat(100_000) }).length).toBeLessThan(160);
    expect(violation({ key: 'k', ['x'.repeat(100_000)]: 1 }).length).toBeLessThan(160);
  });
});

test('nearestName suggests what is near and nothing else', () => {
  expect(nearestName('prot', ['port', 'host'])).toBe('port');
  expect(nearestName('something', ['port', 'host'])).toBeUndefined();
  expect(nearestName('port', [])).toBeUndefined();
});
