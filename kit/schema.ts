import type { ErrorObject } from 'ajv';
import { closest, distance } from 'fastest-levenshtein';

/**
 * One sentence on what a value breaks in its schema, with the value and the rule: `body.key = 5: requires a string`.
 * The error must come from an ajv with `verbose: true`.
 * @param root what the value is to the reader, e.g. `body`
 */
export function describeViolation(error: ErrorObject, root: string): string {
  const path = root + error.instancePath.replaceAll('/', '.');
  const shown = `${path} = ${abbreviate(error.data)}`;
  const parameters: Record<string, unknown> = error.params;
  switch (error.keyword) {
    case 'required':
      return `${path} lacks "${parameters.missingProperty}"`;
    case 'additionalProperties':
      return `${path} has no field "${abbreviateText(String(parameters.additionalProperty))}": ${knownFields(error)}`;
    case 'type':
      return `${shown}: requires ${article(String(parameters.type))}`;
    case 'enum':
      return `${shown}: requires one of ${(parameters.allowedValues as unknown[]).map((value) => JSON.stringify(value)).join(', ')}`;
    case 'minLength':
      return `${shown}: requires at least ${count(parameters.limit, 'character')}`;
    case 'maxLength':
      return `${shown}: requires at most ${count(parameters.limit, 'character')}, has ${String(error.data).length}`;
    case 'minimum':
    case 'maximum':
    case 'exclusiveMinimum':
    case 'exclusiveMaximum':
      return `${shown}: requires a number ${parameters.comparison} ${parameters.limit}`;
    case 'minProperties':
      return `${path} requires at least ${count(parameters.limit, 'field')}: ${knownFields(error)}`;
    default:
      return `${shown}: ${error.message ?? `breaks the rule "${error.keyword}"`}`;
  }
}

/** The candidate that a misspelt name most likely means; undefined when none is near. */
export function nearestName(name: string, candidates: readonly string[]): string | undefined {
  if (candidates.length === 0) return undefined;
  const nearest = closest(name, candidates);
  return distance(name, nearest) <= Math.max(2, Math.floor(name.length / 3)) ? nearest : undefined;
}

function knownFields(error: ErrorObject): string {
  const names = Object.keys((error.parentSchema?.properties as object | undefined) ?? {});
  const nearest = nearestName(String(error.params.additionalProperty ?? ''), names);
  return nearest === undefined ? `the fields are ${names.join(', ')}` : `did you mean "${nearest}"?`;
}

const VALUE_CHARACTERS_MAX = 60;

/** A value as JSON, cut so that a message stays one line. */
function abbreviate(value: unknown): string {
  return abbreviateText(JSON.stringify(value) ?? String(value));
}

function abbreviateText(text: string): string {
  return text.length <= VALUE_CHARACTERS_MAX ? text : `${text.slice(0, VALUE_CHARACTERS_MAX)}…`;
}

function count(amount: unknown, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}

function article(noun: string): string {
  return /^[aeiou]/.test(noun) ? `an ${noun}` : `a ${noun}`;
}
