import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Transcript } from './raft/testing/transcript.ts';
import { StoreTranscript } from './store/testing/transcript.ts';

/**
 * Runs the transcripts in testdata/ (the protocol) and testdata/store/ (the state machine): a command, `----`, and what it must print
 * up to an empty line. Lines that begin with # are for the reader. REWRITE=1 writes what is printed now into the files; the difference
 * is for a reviewer to read.
 */
const directory = join(import.meta.dirname, 'testdata');
const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
const transcripts = files.filter((name) => name.endsWith('.txt')).sort();

test.each(transcripts)('%s', (name) => {
  const file = join(directory, name);
  const expected = readFileSync(file, 'utf8');
  const actual = replay(expected, name.startsWith('store/') ? new StoreTranscript() : new Transcript());
  if (process.env.REWRITE === '1') writeFileSync(file, actual);
  else expect(actual).toBe(expected);
});

function replay(source: string, transcript: { run(line: string): string }): string {
  const blocks = source.trimEnd().split(/\n\n+/);
  const replayed = blocks.map((block) => {
    const lines = block.split('\n').filter((line) => line !== '');
    const comments = lines.filter((line) => line.startsWith('#'));
    const command = lines.find((line) => !line.startsWith('#'));
    if (command === undefined) return comments.join('\n');
    return [...comments, command, '----', transcript.run(command)].join('\n');
  });
  return `${replayed.join('\n\n')}\n`;
}
