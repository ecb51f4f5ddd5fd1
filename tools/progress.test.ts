import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import type { ToolProgress } from './obtain.ts';
import { createProgressRenderer } from './progress.ts';

const downloading = (bytes: number): ToolProgress => ({
  label: 'k6',
  step: 'downloading',
  detail: 'k6.tar.gz',
  bytes,
  totalBytes: 45_600_000,
});

function render(isTTY: boolean, lines: readonly (ToolProgress & { at: number })[]): string {
  let text = '';
  let now = 0;
  const stream = { isTTY, columns: 60, write: (part: string) => (text += part) };
  const renderer = createProgressRenderer(stream, () => now);
  for (const { at, ...line } of lines) {
    now = at;
    renderer.onProgress(line);
  }
  renderer.end();
  return text;
}

describe('without a terminal', () => {
  test('each step has a line, and a long one a line every five seconds', () => {
    const text = render(false, [
      { ...downloading(0), at: 0 },
      { ...downloading(1_000_000), at: 100 },
      { ...downloading(12_345_678), at: 5000 },
      { ...downloading(20_000_000), at: 5100 },
      { label: 'k6', step: 'building', detail: '3 packages compiled, 1 s of about 90 s', at: 5200 },
      { label: 'k6', step: 'ready', detail: 'k6 2.2.0 (built)', at: 6000 },
    ]);
    expect(text).toBe(
      [
        'k6: downloading k6.tar.gz, 0.0 of 45.6 MB (0 %)',
        'k6: downloading k6.tar.gz, 12.3 of 45.6 MB (27 %)',
        'k6: building 3 packages compiled, 1 s of about 90 s',
        'k6 2.2.0 (built)',
        '',
      ].join('\n'),
    );
  });
});

describe('on a terminal', () => {
  test('one live line holds all that goes on, no wider than the terminal; results stay', () => {
    const text = render(true, [
      { ...downloading(0), at: 0 },
      { label: 'prometheus', step: 'building', detail: 'compiled', at: 10 },
      { ...downloading(1), at: 20 },
      { label: 'k6', step: 'ready', detail: 'k6 2.2.0 (release)', at: 500 },
    ]);
    const frames = stripVTControlCharacters(text).split('\r').slice(1);
    expect(frames).toEqual([
      'k6: downloading k6.tar.gz, 0.0 of 45.6 MB (0 %)',
      'k6: downloading k6.tar.gz, 0.0 of 45.6 MB (0 %) · prometheus'.slice(0, 59),
      '✓ k6 2.2.0 (release)\n',
      'prometheus: building compiled',
      '',
    ]);
  });
});
