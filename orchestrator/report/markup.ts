/** HTML as a template literal that escapes whatever is put into it: label values, log lines and titles are not trusted. */

/** Text that is HTML already. Only {@link html} and {@link trusted} make it. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Content = Markup | string | number | null | undefined | false | readonly Content[];

/**
 * Characters that XML and HTML forbid even when escaped: control characters other than tab, newline and return, halves of a
 * surrogate pair, and two that are no characters.
 */
const FORBIDDEN = /[^\P{Cc}\t\n\r]|\p{Cs}|[\ufffe\uffff]/gu;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** For text and quoted attributes of HTML and XML; what neither can hold becomes U+FFFD. */
export function escapeMarkup(text: string): string {
  return text.replace(FORBIDDEN, '\ufffd').replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

function textOf(content: Content): string {
  if (content === null || content === undefined || content === false) return '';
  if (content instanceof Markup) return content.text;
  if (typeof content === 'string' || typeof content === 'number') return escapeMarkup(String(content));
  return content.map(textOf).join('');
}

export function html(literals: TemplateStringsArray, ...contents: Content[]): Markup {
  return new Markup(String.raw({ raw: literals }, ...contents.map(textOf)));
}

/** For text that this project wrote itself (a script, a style sheet) or that was made safe otherwise. */
export function trusted(text: string): Markup {
  return new Markup(text);
}

/** A JSON value inside `<script type="application/json">`: no `<` that could end the element. */
export function json(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replaceAll('<', '\\u003c'));
}
