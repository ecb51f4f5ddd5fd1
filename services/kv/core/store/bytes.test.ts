import { expect, test } from '@jest/globals';
import { ByteReader, ByteWriter } from './bytes.ts';

test.each([
  '',
  'a',
  'x'.repeat(40),
  'x'.repeat(41),
  'x'.repeat(127),
  'x'.repeat(128),
  'é',
  `${'x'.repeat(39)}é`,
  '😀'.repeat(50),
  '\u007f\u0080',
])('a text is UTF-8 behind its length, short or long, ASCII or not: %j', (text) => {
  const writer = new ByteWriter();
  writer.text('before');
  writer.text(text);
  writer.text('behind');
  const utf8 = new TextEncoder().encode(text);
  const length = utf8.length < 128 ? [utf8.length] : [(utf8.length % 128) | 128, Math.floor(utf8.length / 128)];
  expect([...writer.view()]).toEqual([
    ...[6, ...new TextEncoder().encode('before')],
    ...[...length, ...utf8],
    ...[6, ...new TextEncoder().encode('behind')],
  ]);
  const reader = new ByteReader(writer.copy());
  expect([reader.text(), reader.text(), reader.text()]).toEqual(['before', text, 'behind']);
  reader.end();
});
