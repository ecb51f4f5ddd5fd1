/** A sentence of the verdict or of a rule, in which backticks mean code as they do in Markdown. */
import { html, type Markup } from '../markup.ts';

export function renderSentence(text: string): Markup {
  return html`${text.split(/(`[^`]+`)/).map((part) => (/^`.+`$/s.test(part) ? html`<code>${part.slice(1, -1)}</code>` : part))}`;
}
