import { expect, test } from '@jest/globals';
import { escapeMarkup, html, json, trusted } from './markup.ts';

test('what is put into HTML is escaped, what is HTML stays', () => {
  const name = '<img src=x onerror="alert(1)">';
  expect(html`<b title="${name}">${name}</b>`.text).toBe(
    '<b title="&lt;img src=x onerror=&quot;alert(1)&quot;&gt;">&lt;img src=x onerror=&quot;alert(1)&quot;&gt;</b>',
  );
  expect(html`${[html`<i>${1}</i>`, null, false, 'a&b']}${trusted('<hr>')}`.text).toBe('<i>1</i>a&amp;b<hr>');
});

test('control characters and lone surrogates become U+FFFD, others survive', () => {
  expect(escapeMarkup('a\u0000b\u001bc\td\n\ud800e\u{1f600}')).toBe('a\ufffdb\ufffdc\td\n\ufffde\u{1f600}');
});

test('JSON cannot end its script element', () => {
  const text = json({ a: '</script><script>alert(1)</script>' }).text;
  expect(text).not.toContain('<');
  expect(JSON.parse(text)).toEqual({ a: '</script><script>alert(1)</script>' });
});
