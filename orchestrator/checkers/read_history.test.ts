import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type History, operationAt } from './history.ts';
import { HistoryError, readHistory } from './read_history.ts';
import { operation as op } from './testing/operation.ts';
import type { Operation } from './types.ts';

const HEADER = '{"header":{"version":1,"segment":0,"runId":"r"}}';
const line = (operation: Operation) => JSON.stringify(operation);
const all = (history: History) => Array.from({ length: history.length }, (_, row) => operationAt(history, row));

describe('readHistory', () => {
  let directory: string;
  let files = 0;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'gameday-history-'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  async function written(text: string): Promise<string> {
    const file = join(directory, `${files++}.ndjson`);
    await writeFile(file, text);
    return file;
  }

  async function complaint(text: string): Promise<string> {
    const error = await readHistory(await written(text)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(HistoryError);
    return (error as HistoryError).message.replace(`${directory}/`, '').replace(/^\d+\.ndjson/, 'file');
  }

  test('gives back every operation as it was written', async () => {
    const operations = ['create a 5-8', 'update ü 9-12', 'read absent 9-10', 'delete 11-?', 'read 12-?'].map(op);
    const keyless: Operation = { ...op('create z 1-?'), key: null };
    const file = await written([HEADER, ...[...operations, keyless].map(line), ''].join('\n'));
    expect(all(await readHistory(file))).toEqual([...operations, keyless]);
  });

  test('takes several files for one history', async () => {
    const first = await written(`${HEADER}\n${line(op('create a 5-8'))}\n`);
    const second = await written(`${HEADER}\n${line(op('read a 9-10'))}\n`);
    const history = await readHistory([first, second]);
    expect(all(history)).toEqual([op('create a 5-8'), op('read a 9-10')]);
    expect({ files: history.files, keys: history.keyCount }).toEqual({ files: 2, keys: 1 });
  });

  test('reads lines longer than one piece of the file, and letters that lie across two', async () => {
    const long: Operation = { ...op('create a 5-8'), value: 'ü'.repeat(1 << 20) };
    const history = await readHistory(await written([HEADER, line(long), line(op('read b 9-10'))].join('\n')));
    expect(all(history)[0]).toEqual(long);
    expect({ length: history.length, truncated: history.truncatedLines }).toEqual({ length: 2, truncated: 0 });
  });

  test('leaves out and counts a last line that was cut off', async () => {
    const cut = line(op('read a 9-10')).slice(0, -9);
    const history = await readHistory(await written([HEADER, line(op('create a 5-8')), cut].join('\n')));
    expect({ length: history.length, truncated: history.truncatedLines }).toEqual({ length: 1, truncated: 1 });
  });

  test('keeps the steps of the clock, with their place', async () => {
    const file = await written([HEADER, line(op('create a 5-8')), '{"clockStep":{"byMs":-12}}', ''].join('\n'));
    expect((await readHistory(file)).clockSteps).toEqual([{ file, line: 3, detail: '{"byMs":-12}' }]);
  });

  test.each([
    ['', 'file:1: the file is empty'],
    ['{"head', 'file:1: the only line is cut off'],
    [`${line(op('create a 5-8'))}\n`, 'file:1: no header in the first line'],
    ['{"header":{"version":2}}\n', 'file:1: history of version 2, and this Gameday reads version 1'],
    [`${HEADER}\nINFO hello\n`, 'file:2: Unexpected token'],
    [`${HEADER}\n7\n`, 'file:2: requires an object'],
    [`${HEADER}\n\n${line(op('create a 5-8'))}\n`, 'file:2: Unexpected end of JSON input'],
    [`${HEADER}\n${line({ ...op('create a 5-8'), end: 4 })}\n`, 'file:2: start 5, end 4: requires start ≤ end'],
    [`${HEADER}\n${line({ ...op('create a 5-8'), end: null })}\n`, 'file:2: start 5, end null: requires start ≤ end'],
    [`${HEADER}\n${line({ ...op('create a 5-?'), end: 8 })}\n`, 'file:2: end 8 with outcome unknown: requires null'],
    [`${HEADER}\n${line({ ...op('create a 5-8'), key: null })}\n`, 'file:2: key null: requires a text'],
    [`${HEADER}\n${line({ ...op('read a 5-8'), value: null })}\n`, 'file:2: value null of a read with outcome ok'],
    [`${HEADER}\n${line(op('create absent 5-8'))}\n`, 'file:2: a create cannot find its entry absent'],
    [`${HEADER}\n{"operation":"increment"}\n`, 'file:2: operation increment: requires one of create, update'],
  ])('%j is refused', async (text, message) => {
    expect(await complaint(text)).toContain(message);
  });

  test('a complaint says what to do', async () => {
    expect(await complaint(`${HEADER}\nINFO\n`)).toContain('repeat the run, or remove the line');
  });

  test('a file that is not there is named', async () => {
    await expect(readHistory(join(directory, 'none.ndjson'))).rejects.toThrow(/none\.ndjson: ENOENT/);
  });
});
