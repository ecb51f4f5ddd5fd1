/**
 * Scenario text → a document that satisfies `scenarios/scenario.schema.json`, with the position of everything in it. The schema
 * is the only statement of the file's shape; its `errorMessage` keywords (which editors read too) say what was expected.
 */
import { Ajv2020, type DefinedError, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { type Document, isMap, isNode, isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { FaultKind } from '../../kit/system.ts';
import type { Problem } from './problems.ts';
import { nearest, suggestion } from './problems.ts';

/** A scenario file's content, durations and the like still as text. */
export interface ScenarioSource {
  readonly version: 1;
  readonly id: string;
  readonly title: string;
  readonly system: string;
  readonly nodes?: number;
  readonly start_from?: 'previous';
  readonly load: LoadSource;
  readonly settle: string;
  readonly objectives?: Readonly<Record<string, string>>;
  readonly faults?: readonly FaultSource[];
  readonly criteria: readonly CriterionSource[];
  readonly ci?: OverlaySource;
}

export interface LoadSource {
  readonly script: string;
  readonly profile: string;
  /** Of the open model: absent with the profile `count`. */
  readonly rate?: string;
  /** Absent only with the profile `count`: then nothing sets a pace. */
  readonly duration?: string;
  readonly deadline: string;
  readonly count?: number;
  readonly concurrency?: number;
  readonly size?: number;
  readonly bursts?: number;
  readonly pause?: string;
  readonly read_share?: string;
  readonly history: boolean;
}

/** One kind is the key of the target; of a partition it may be groups. */
export interface FaultSource extends Readonly<Partial<Record<Exclude<FaultKind, 'partition'>, string>>> {
  readonly name: string;
  readonly at: string;
  readonly heal_after: string;
  readonly every?: string;
  readonly count?: number;
  readonly partition?: string | readonly (string | readonly string[])[];
  readonly direction?: 'both' | 'in' | 'out';
  readonly delay?: string;
  readonly jitter?: string;
  /** Of data (`100KB/s`), or a factor on a clock's rate. */
  readonly rate?: string | number;
  readonly probability?: string;
  readonly offset?: string;
  readonly as?: string;
}

export interface CriterionSource {
  readonly alert: string;
  readonly expect: 'silent' | 'firing';
  readonly during?: string;
  readonly outside?: 'faults';
  readonly within?: string;
  readonly stretch?: number;
}

export interface OverlaySource {
  readonly nodes?: number;
  readonly load?: {
    readonly rate?: string;
    readonly duration?: string;
    readonly count?: number;
    readonly bursts?: number;
  };
  readonly settle?: string;
  readonly faults?: readonly FaultChange[];
}

export interface FaultChange {
  readonly name: string;
  readonly at?: string;
  readonly heal_after?: string;
  readonly every?: string;
  readonly count?: number;
}

export type Path = readonly (string | number)[];

/** Makes problems at the place in the file where a path of keys and indices leads. */
export interface Locator {
  problem(path: Path, message: string, severity?: Problem['severity']): Problem;
  /** At the name of the last field of the path, not at its value. */
  problemOfName(path: Path, message: string): Problem;
}

export type ParsedDocument =
  | { readonly ok: true; readonly source: ScenarioSource; readonly at: Locator }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Validates against the schema; built once, since compiling it costs more than reading a file. */
export class ScenarioParser {
  readonly #validate: ValidateFunction<ScenarioSource>;

  constructor(schema: object) {
    const ajv = new Ajv2020({ allErrors: true, verbose: true, useDefaults: true });
    ajv.addVocabulary(['errorMessage']);
    this.#validate = ajv.compile<ScenarioSource>(schema);
  }

  parse(text: string, file: string): ParsedDocument {
    const lines = new LineCounter();
    const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
    const at = new SourceLocator(document, lines, file);
    if (document.errors.length > 0) return { ok: false, problems: document.errors.map((e) => at.syntaxProblem(e)) };
    let value: unknown;
    try {
      value = document.toJS() ?? {};
    } catch (error) {
      // Aliases are followed here: one that leads nowhere, or far too many.
      return {
        ok: false,
        problems: [at.syntaxProblem({ pos: [aliasOffset(document), 0], message: (error as Error).message })],
      };
    }
    if (this.#validate(value)) return { ok: true, source: value, at };
    return { ok: false, problems: describeErrors(this.#validate.errors ?? [], at) };
  }
}

/** Of the first alias that leads nowhere, otherwise of the first one. */
function aliasOffset(document: Document.Parsed): number {
  const offsets: { readonly offset: number; readonly known: boolean }[] = [];
  visit(document, {
    Alias: (_, alias) => {
      offsets.push({ offset: alias.range?.[0] ?? 0, known: alias.resolve(document) !== undefined });
    },
  });
  return (offsets.find(({ known }) => !known) ?? offsets[0])?.offset ?? 0;
}

class SourceLocator implements Locator {
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;
  readonly #file: string;
  constructor(document: Document.Parsed, lines: LineCounter, file: string) {
    this.#document = document;
    this.#lines = lines;
    this.#file = file;
  }

  problem(path: Path, message: string, severity: Problem['severity'] = 'error'): Problem {
    return this.#at(this.#offset(path, 'value'), message, severity);
  }

  problemOfName(path: Path, message: string): Problem {
    return this.#at(this.#offset(path, 'key'), message, 'error');
  }

  syntaxProblem(error: { readonly pos: readonly [number, number]; readonly message: string }): Problem {
    return this.#at(error.pos[0], error.message.split(/ at line \d+|\n/)[0]!, 'error');
  }

  #at(offset: number, message: string, severity: Problem['severity']): Problem {
    const { line, col } = this.#lines.linePos(offset);
    return { severity, file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1), message };
  }

  /** The nearest enclosing node that exists: what is missing is reported where it should have been. */
  #offset(path: Path, part: 'key' | 'value'): number {
    for (let length = path.length; length > 0; length -= 1) {
      const parent = length === 1 ? this.#document.contents : this.#document.getIn(path.slice(0, length - 1), true);
      const key = path[length - 1]!;
      if (isMap(parent)) {
        const pair = parent.items.find((item) => isPair(item) && isScalar(item.key) && item.key.value === key);
        const place = pair && (part === 'value' && isScalar(pair.value) && pair.value.range ? pair.value : pair.key);
        if (isNode(place) && place.range) return place.range[0];
      }
      const node = this.#document.getIn(path.slice(0, length), true);
      if (isNode(node) && node.range) return node.range[0];
    }
    return 0;
  }
}

function describeErrors(errors: readonly ErrorObject[], at: Locator): Problem[] {
  const all = errors as readonly DefinedError[];
  // A misspelt field that is required is one mistake, not two.
  const meant = new Set(all.flatMap((error) => (error.keyword === 'additionalProperties' ? [meantField(error)] : [])));
  return (
    all
      // Each branch of a `oneOf` and the name inside `propertyNames` is reported again by its parent, in words.
      .filter((error) => !/\/oneOf\/\d/.test(error.schemaPath) && error.propertyName === undefined)
      // What is wrong in the branch of an `if` is reported by itself.
      .filter((error) => error.keyword !== 'if')
      .filter(
        (error) => error.keyword !== 'required' || !meant.has(`${error.instancePath}/${error.params.missingProperty}`),
      )
      .map((error) => {
        const { path, message } = describe(error, pointerToPath(error.instancePath));
        const ofName = error.keyword === 'additionalProperties' || error.keyword === 'propertyNames';
        return ofName ? at.problemOfName(path, message) : at.problem(path, message);
      })
  );
}

function meantField(error: DefinedError & { readonly keyword: 'additionalProperties' }): string {
  return `${error.instancePath}/${nearest(error.params.additionalProperty, allowedFields(error))}`;
}

function allowedFields(error: DefinedError): string[] {
  return Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {});
}

function describe(error: DefinedError, path: Path): { path: Path; message: string } {
  const name = path.length === 0 ? 'the scenario' : `\`${path.join('.')}\``;
  const expected = (error.parentSchema as { errorMessage?: string } | undefined)?.errorMessage;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = error.params.additionalProperty;
      const allowed = allowedFields(error);
      const hint = suggestion(key, allowed) || `; expected ${expected ?? allowed.join(', ')}`;
      return { path: [...path, key], message: `unknown field "${key}" in ${name}${hint}` };
    }
    case 'required':
      return { path, message: `${name} lacks the field "${error.params.missingProperty}"` };
    case 'propertyNames': {
      const key = error.params.propertyName;
      return { path: [...path, key], message: `"${key}" is not ${schemaMessage(error.schema) ?? 'a valid name'}` };
    }
    case 'enum': {
      const allowed = error.params.allowedValues as readonly string[];
      const hint = suggestion(String(error.data), allowed);
      return { path, message: `${name} is ${show(error.data)}: expected ${allowed.join(' or ')}${hint}` };
    }
    case 'const':
      return { path, message: `${name} is ${show(error.data)}: expected ${show(error.params.allowedValue)}` };
    case 'oneOf':
      return { path, message: `${name}: expected ${expected ?? 'one of several shapes'}` };
    default:
      return {
        path,
        message: `${name} is ${show(error.data)}: expected ${expected ?? error.message?.replace(/^must be /, '')}`,
      };
  }
}

function schemaMessage(schema: unknown): string | undefined {
  return (schema as { errorMessage?: string } | undefined)?.errorMessage;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function pointerToPath(pointer: string): Path {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
