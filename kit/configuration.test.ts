import { describe, expect, test } from '@jest/globals';
import { type ConfigurationSchema, helpText, parseConfiguration } from './configuration.ts';

const schema = {
  command: 'demo',
  summary: 'a demonstration',
  environmentPrefix: 'DEMO_',
  required: ['port'],
  examples: ['demo --port 1'],
  settings: {
    port: { type: 'integer', minimum: 1, maximum: 65_535, placeholder: 'PORT', description: 'Where to listen.' },
    electionTicks: { type: 'integer', default: 25, description: 'Patience.' },
    logLevel: {
      type: 'string',
      enum: ['info', 'debug'],
      default: 'info',
      environment: ['LOG_LEVEL'],
      description: 'Talk.',
    },
    faults: { type: 'boolean', default: false, description: 'Break things.' },
    token: { type: 'string', minLength: 16, secret: true, description: 'Secret.' },
  },
} as const satisfies ConfigurationSchema;

const parse = (argv: string[], environment: Record<string, string> = {}) =>
  parseConfiguration(schema, argv, environment);
const refused = (argv: string[], environment: Record<string, string> = {}) => {
  const parsed = parse(argv, environment);
  return parsed.kind === 'invalid' ? parsed.message : parsed;
};

describe('parseConfiguration', () => {
  test('flags win over the environment, which wins over defaults', () => {
    expect(parse(['--port', '80'])).toEqual({
      kind: 'values',
      values: { port: 80, electionTicks: 25, logLevel: 'info', faults: false },
    });
    expect(
      parse(['--port=80', '--faults'], { DEMO_PORT: '81', DEMO_ELECTION_TICKS: '30', LOG_LEVEL: 'debug' }),
    ).toEqual({
      kind: 'values',
      values: { port: 80, electionTicks: 30, logLevel: 'debug', faults: true },
    });
  });

  test('an empty variable counts as absent, and shells may write 1 for true', () => {
    const parsed = parse(['--port', '80'], { LOG_LEVEL: '', DEMO_FAULTS: '1' });
    expect(parsed).toMatchObject({ values: { logLevel: 'info', faults: true } });
  });

  test.each([
    [['--prot', '80'], 'unknown flag --prot: did you mean --port?'],
    [['--zzzzzzzzzzz'], 'unknown flag --zzzzzzzzzzz (demo'],
    [['-p', '80'], 'unknown flag -p'],
    [['80'], 'unexpected argument "80"'],
    [['--port'], '--port requires a value'],
    [['--port', '--faults'], '--port requires a value'],
    [['--port', '1', '--port', '2'], '--port is given twice'],
    [[], '--port is required'],
    [['--port', 'abc'], '--port = "abc": requires an integer'],
    [['--port', '1.5'], '--port = "1.5": requires an integer'],
    [['--port', '65536'], '--port = 65536: requires a number <= 65535'],
    [['--port', '1', '--log-level', 'loud'], '--log-level = "loud": requires one of "info", "debug"'],
    [['--port', '1', '--faults=maybe'], '--faults = "maybe": requires a boolean'],
  ])('%j is refused: %s', (argv, message) => {
    expect(refused(argv)).toContain(message);
  });

  test('a message names the variable that the value came from', () => {
    expect(refused([], { DEMO_PORT: '0' })).toBe('$DEMO_PORT = 0: requires a number >= 1');
    expect(refused(['--port', '1'], { LOG_LEVEL: 'loud' })).toContain('$LOG_LEVEL = "loud"');
  });

  test('a secret is never shown', () => {
    const message = refused(['--port', '1', '--token', 'hunter2']);
    expect(message).toBe('--token = "(secret)": requires at least 16 characters');
  });

  test('--help and --version win over everything that is missing', () => {
    expect(parse(['--version'])).toEqual({ kind: 'version' });
    expect(parse(['--help'])).toEqual({ kind: 'help', text: helpText(schema) });
  });
});

test('the help shows every flag with its values, default and variables', () => {
  expect(helpText(schema)).toMatchInlineSnapshot(`
"demo: a demonstration

Usage: demo --port PORT [flags]

Flags (each may come from the environment instead; a flag wins):
  --port PORT               Where to listen. [$DEMO_PORT]
  --election-ticks INTEGER  Patience. [default 25; $DEMO_ELECTION_TICKS]
  --log-level STRING        Talk. [info|debug; default info; $LOG_LEVEL, $DEMO_LOG_LEVEL]
  --faults                  Break things. [default false; $DEMO_FAULTS]
  --token STRING            Secret. [$DEMO_TOKEN]
  --help                    Show this text.
  --version                 Show the version.

Examples:
  demo --port 1
"
`);
});
