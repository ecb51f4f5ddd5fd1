/**
 * The guide, carried out: every file is written, every change made and every command run in the order in which the guide has them, and
 * what it shows as output has to be there.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { marked, type Tokens } from 'marked';

const root = resolve(import.meta.dirname, '../..');
const guide = readFileSync(join(import.meta.dirname, 'your-own-system.md'), 'utf8');

interface Block {
  readonly language: string;
  /** `title="…"`: the file that it is, or changes. */
  readonly title: string | undefined;
  readonly text: string;
  /** Of a shell block: the output that the guide shows next. */
  readonly shown: readonly string[];
}

function blocksOf(markdown: string): Block[] {
  const fenced = marked.lexer(markdown).filter((token): token is Tokens.Code => token.type === 'code');
  return fenced.map(({ lang = '', text }, index) => {
    const next = fenced[index + 1];
    return {
      language: lang.split(' ')[0]!,
      title: /title="([^"]+)"/.exec(lang)?.[1],
      text,
      shown: next?.lang === 'text' ? next.text.split('\n') : [],
    };
  });
}

/** Replaces, exactly once, the lines without `+` by the lines without `-`. */
function changed(text: string, diff: string): string {
  const side = (sign: '+' | '-') =>
    diff
      .split('\n')
      .filter((line) => !line.startsWith(sign))
      .map((line) => `${line.slice(1)}\n`)
      .join('');
  const [before, after] = [side('+'), side('-')];
  expect(text.split(before)).toHaveLength(2);
  return text.replace(before, () => after);
}

/** The lines have to be there in this order, others may be between them; `…` stands for anything within a line. */
function missingLine(output: string, shown: readonly string[]): string | undefined {
  const lines = output.split('\n').map((line) => line.trimEnd());
  let from = 0;
  return shown.find((wanted) => {
    const parts = wanted
      .trimEnd()
      .split('…')
      .map((part) => RegExp.escape(part));
    const at = lines.findIndex((line, index) => index >= from && new RegExp(`^${parts.join('.*')}$`).test(line));
    from = at + 1;
    return at < 0;
  });
}

/** A person's machine: a home directory, a shell that keeps its working directory, `npm link` that links into nobody else's place. */
class Reader {
  readonly home = realpathSync(mkdtempSync(join(tmpdir(), 'gameday-guide-')));
  #directory = root;

  write(title: string, text: string): void {
    const file = join(this.#directory, title);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  read(title: string): string {
    return readFileSync(join(this.#directory, title), 'utf8');
  }

  /** Stops at the first command that fails. */
  async run(commands: string): Promise<{ readonly code: number | null; readonly output: string }> {
    const place = join(this.home, '.directory');
    const script = `set -e\nexec 2>&1\ntrap 'pwd > ${place}' EXIT\n${commands}`;
    const child = spawn('bash', ['-c', script], { cwd: this.#directory, env: this.#environment() });
    let output = '';
    child.stdout.on('data', (text) => {
      output += text;
    });
    const code = await new Promise<number | null>((done) => child.once('close', done));
    this.#directory = readFileSync(place, 'utf8').trim();
    return { code, output };
  }

  async remove(): Promise<void> {
    await this.run('gameday down --all');
    rmSync(this.home, { recursive: true, force: true });
  }

  #environment(): NodeJS.ProcessEnv {
    const cache = process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache');
    return {
      ...process.env,
      ...{ HOME: this.home, XDG_CACHE_HOME: cache, GAMEDAY_DIRECTORY: join(this.home, '.gameday') },
      ...{ npm_config_prefix: join(this.home, 'npm'), PATH: `${join(this.home, 'npm/bin')}:${process.env.PATH}` },
    };
  }
}

const reader = new Reader();
afterAll(() => reader.remove(), 20_000);

describe('the guide', () => {
  const blocks = blocksOf(guide);

  test('says of each block what it is', () => {
    const unclear = blocks.filter(
      ({ language, title }) => !['bash', 'text', ''].includes(language) && title === undefined,
    );
    expect(unclear).toEqual([]);
    expect(blocks.filter(({ language }) => language === 'sh' || language === 'console')).toEqual([]);
  });

  test('shows no command in its text that is not run', () => {
    const commands = blocks.filter(({ language }) => language === 'bash').map(({ text }) => text);
    const prose = guide.replaceAll(/^```[\s\S]*?^```/gm, '');
    // A name alone says which command is meant; with more than that somebody will type it.
    const spans = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span!);
    const typed = spans.filter((span) => /^(gameday|npm|npx|promtool|curl) \S+ ./.test(span));
    expect(typed.filter((command) => !commands.some((text) => text.includes(command)))).toEqual([]);
  });

  test('does what it says', async () => {
    for (const { language, title, text, shown } of blocks) {
      if (title !== undefined)
        reader.write(title, language === 'diff' ? changed(reader.read(title), text) : `${text}\n`);
      if (language !== 'bash') continue;
      const { code, output } = await reader.run(text);
      const missing = missingLine(output, shown);
      // The whole output, which no comparison would show.
      if (code !== 0) throw new Error(`ended with ${code}:\n${text}\n${output}`);
      if (missing !== undefined) throw new Error(`the output lacks the line "${missing}":\n${text}\n${output}`);
    }
  }, 240_000);
});
