import { parseArgs } from 'node:util';
import { Ajv } from 'ajv';
import { describeViolation, nearestName } from './schema.ts';

/** One setting. JSON Schema, plus where else its value may come from and how the help shows it. */
export interface Setting {
  readonly type: 'string' | 'integer' | 'number' | 'boolean';
  readonly description: string;
  readonly default?: string | number | boolean;
  /** Environment variables that are looked at before the generated name, first one wins. */
  readonly environment?: readonly string[];
  /** What stands for the value in the help, e.g. `PORT`. */
  readonly placeholder?: string;
  /** Only from the environment or a flag, and never shown in a message. */
  readonly secret?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly enum?: readonly (string | number)[];
}

export interface ConfigurationSchema {
  /** The command's name, for messages and the help. */
  readonly command: string;
  /** One line. */
  readonly summary: string;
  /** Setting `electionTicks` is the flag `--election-ticks` and the variable `<prefix>ELECTION_TICKS`. */
  readonly environmentPrefix: string;
  readonly settings: Readonly<Record<string, Setting>>;
  readonly required: readonly string[];
  /** Shown at the end of the help. */
  readonly examples?: readonly string[];
}

interface TypeNames {
  string: string;
  integer: number;
  number: number;
  boolean: boolean;
}

/** The values of a schema that is written `as const satisfies ConfigurationSchema`. */
export type Values<S extends ConfigurationSchema> = {
  readonly [K in keyof S['settings']]:
    | (S['settings'][K] extends { enum: readonly (infer V)[] } ? V : TypeNames[S['settings'][K]['type']])
    | (S['settings'][K] extends { default: unknown } ? never : K extends S['required'][number] ? never : undefined);
};

export type Parsed<S extends ConfigurationSchema> =
  | { readonly kind: 'values'; readonly values: Values<S> }
  | { readonly kind: 'help'; readonly text: string }
  | { readonly kind: 'version' }
  /** Exit code 2. */
  | { readonly kind: 'invalid'; readonly message: string };

/**
 * Values from flags over environment over defaults, checked against the schema. Nothing is read from the process itself.
 * An empty environment variable counts as absent.
 */
export function parseConfiguration<S extends ConfigurationSchema>(
  schema: S,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Parsed<S> {
  const flags = readFlags(schema, argv);
  if (typeof flags === 'string') return { kind: 'invalid', message: flags };
  if (flags.has('help')) return { kind: 'help', text: helpText(schema) };
  if (flags.has('version')) return { kind: 'version' };
  const { values, origins } = collectValues(schema, flags, environment);
  const message = firstViolation(schema, values, origins);
  return message === null ? { kind: 'values', values: values as Values<S> } : { kind: 'invalid', message };
}

export function helpText(schema: ConfigurationSchema): string {
  const entries = Object.entries(schema.settings);
  const left = entries.map(([name, setting]) => {
    const placeholder = setting.type === 'boolean' ? '' : ` ${setting.placeholder ?? setting.type.toUpperCase()}`;
    return `  ${flagOf(name)}${placeholder}`;
  });
  const width = Math.max(...left.map((text) => text.length)) + 2;
  const lines = entries.map(([name, setting], i) => left[i]!.padEnd(width) + remarks(schema, name, setting));
  return [
    `${schema.command}: ${schema.summary}`,
    '',
    `Usage: ${schema.command} ${schema.required.map((name) => `${flagOf(name)} ${schema.settings[name]?.placeholder ?? 'VALUE'}`).join(' ')} [flags]`,
    '',
    'Flags (each may come from the environment instead; a flag wins):',
    ...lines,
    `${'  --help'.padEnd(width)}Show this text.`,
    `${'  --version'.padEnd(width)}Show the version.`,
    ...(schema.examples === undefined ? [] : ['', 'Examples:', ...schema.examples.map((line) => `  ${line}`)]),
    '',
  ].join('\n');
}

function remarks(schema: ConfigurationSchema, name: string, setting: Setting): string {
  const defaultText = setting.default === undefined ? [] : [`default ${setting.default}`];
  const values = setting.enum === undefined ? [] : [setting.enum.join('|')];
  return `${setting.description} [${[...values, ...defaultText, `$${variablesOf(schema, name).join(', $')}`].join('; ')}]`;
}

/** Flags as texts by setting name, or the message that refuses them. */
function readFlags(schema: ConfigurationSchema, argv: readonly string[]): Map<string, string> | string {
  const nameOf = new Map([...Object.keys(schema.settings), 'help', 'version'].map((name) => [flagOf(name), name]));
  const isBoolean = (name: string) =>
    schema.settings[name]?.type === 'boolean' || name === 'help' || name === 'version';
  const options = Object.fromEntries(
    [...nameOf].map(([flag, name]) => [flag.slice(2), { type: isBoolean(name) ? 'boolean' : 'string' } as const]),
  );
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true });
  const flags = new Map<string, string>();
  for (const token of tokens) {
    if (token.kind === 'positional') return `unexpected argument "${token.value}"${seeHelp(schema)}`;
    if (token.kind !== 'option') continue;
    const name = nameOf.get(token.rawName);
    if (name === undefined) return unknownFlag(schema, token.rawName, [...nameOf.keys()]);
    if (flags.has(name)) return `${token.rawName} is given twice${seeHelp(schema)}`;
    const swallowed = token.inlineValue === false && nameOf.has(token.value);
    if (!isBoolean(name) && (token.value === undefined || swallowed))
      return `${token.rawName} requires a value${seeHelp(schema)}`;
    flags.set(name, token.value ?? 'true');
  }
  return flags;
}

function unknownFlag(schema: ConfigurationSchema, flag: string, known: readonly string[]): string {
  const nearest = nearestName(flag, known);
  return `unknown flag ${flag}${nearest === undefined ? '' : `: did you mean ${nearest}?`}${seeHelp(schema)}`;
}

function seeHelp(schema: ConfigurationSchema): string {
  return ` (${schema.command} --help lists the flags)`;
}

interface Collected {
  readonly values: Record<string, unknown>;
  /** Where each value came from, as a person would write it: `--port` or `$LOG_LEVEL`. */
  readonly origins: Readonly<Record<string, string>>;
}

function collectValues(
  schema: ConfigurationSchema,
  flags: ReadonlyMap<string, string>,
  environment: Readonly<Record<string, string | undefined>>,
): Collected {
  const values: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  for (const [name, setting] of Object.entries(schema.settings)) {
    const variable = variablesOf(schema, name).find((candidate) => (environment[candidate] ?? '') !== '');
    const text = flags.get(name) ?? (variable === undefined ? undefined : environment[variable]);
    if (text !== undefined) values[name] = setting.type === 'boolean' ? booleanText(text) : text;
    else if (setting.default !== undefined) values[name] = setting.default;
    origins[name] = flags.has(name) || variable === undefined ? flagOf(name) : `$${variable}`;
  }
  return { values, origins };
}

/** Shells write 1 and 0; JSON Schema knows true and false. */
function booleanText(text: string): string {
  return text === '1' ? 'true' : text === '0' ? 'false' : text;
}

/** Also turns texts into numbers and booleans, in place. */
function firstViolation(
  schema: ConfigurationSchema,
  values: Record<string, unknown>,
  origins: Readonly<Record<string, string>>,
): string | null {
  const missing = schema.required.find((name) => values[name] === undefined);
  if (missing !== undefined) return `${flagOf(missing)} is required${seeHelp(schema)}`;
  const ajv = new Ajv({ coerceTypes: true, strict: false, verbose: true });
  if (ajv.validate({ type: 'object', properties: schema.settings }, values)) return null;
  const error = ajv.errors![0]!;
  const name = error.instancePath.slice(1);
  const shown = schema.settings[name]?.secret === true ? { ...error, data: '(secret)' } : error;
  return describeViolation({ ...shown, instancePath: '' }, origins[name] ?? name);
}

function variablesOf(schema: ConfigurationSchema, name: string): readonly string[] {
  return [...(schema.settings[name]?.environment ?? []), schema.environmentPrefix + separated(name, '_').toUpperCase()];
}

/** `electionTicks` → `--election-ticks` */
export function flagOf(name: string): string {
  return `--${separated(name, '-')}`;
}

function separated(name: string, separator: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => separator + letter.toLowerCase());
}
