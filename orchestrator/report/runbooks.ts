/** Runbooks, put into the report as text: whoever reads it at night may not have the repository at hand. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { Marked } from 'marked';
import { escapeMarkup, type Markup, trusted } from './markup.ts';

/** Every `<Alert>.md` of a folder, by the name of the alert; empty when there is no such folder. */
export async function loadRunbooks(directory: string): Promise<Map<string, string>> {
  const files = await readdir(directory).catch(() => []);
  const markdown = files.filter((file) => file.endsWith('.md')).sort();
  return new Map(
    await Promise.all(
      markdown.map(
        async (file) => [path.basename(file, '.md'), await readFile(path.join(directory, file), 'utf8')] as const,
      ),
    ),
  );
}

/**
 * Markdown as HTML. HTML inside it is shown and not obeyed, images are left out, and a link stays one only when it leads to
 * the web: a relative path leads nowhere from a report that was moved.
 */
export function renderRunbook(markdown: string): Markup {
  const marked = new Marked({
    async: false,
    renderer: {
      html: ({ text }) => escapeMarkup(text),
      image: ({ text }) => escapeMarkup(text),
      // The page's own headings end at level 3.
      heading({ tokens, depth }) {
        const level = Math.min(6, depth + 3);
        return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>`;
      },
      link({ href, tokens }) {
        const text = this.parser.parseInline(tokens);
        return /^https?:\/\//.test(href) ? `<a href="${escapeMarkup(href)}" rel="noreferrer">${text}</a>` : `${text}`;
      },
    },
  });
  // The first heading is the alert's name, beside which the runbook stands.
  return trusted(marked.parse(markdown.replace(/^\s*# .*\n/, '')) as string);
}
