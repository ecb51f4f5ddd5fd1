/** What a selector of a rule is called in a Prometheus that is not ours, and what is found there is called here. */
import { VerdictError } from './errors.ts';
import { type LabelMatcher, labelMatchers, type Selector } from './expression.ts';

/** Parses `cluster="prod"`, also with braces or several of them with commas. Throws EXPRESSION_INVALID. */
export function parseMatch(text: string): LabelMatcher[] {
  const inner = text.trim().replace(/^\{(.*)\}$/s, '$1');
  const mistake = `\`${text}\` restricts nothing: expected label matchers such as cluster="prod" or job=~"kv-.*"`;
  let found: LabelMatcher[];
  try {
    found = labelMatchers(`x{${inner}}`);
  } catch (cause) {
    throw new VerdictError('EXPRESSION_INVALID', mistake, { cause });
  }
  if (found.length === 0) throw new VerdictError('EXPRESSION_INVALID', mistake);
  return found;
}

export interface ForeignSelector {
  /** To ask for there. */
  readonly text: string;
  /** Labels that what is found is given here: the rule's own value, where a matcher stands in for the rule's. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * The selector with the matchers added. Where a matcher is about a label that the selector pins to one value, it takes that place: with
 * `job="kv-prod"`, `up{job="kv"}` asks for `up{job="kv-prod"}`, and what is found is `up{job="kv"}` here, where the rules look for it.
 */
export function foreignSelector(
  { text, name }: Pick<Selector, 'text' | 'name'>,
  matchers: readonly LabelMatcher[],
): ForeignSelector {
  const labels: Record<string, string> = {};
  const kept = labelMatchers(text).filter(({ label, operator, value }) => {
    const instead = operator === '=' && matchers.some((matcher) => matcher.label === label);
    if (instead) labels[label] = value;
    return !instead;
  });
  const all = [`__name__=${JSON.stringify(name)}`, ...[...kept, ...matchers].map((matcher) => matcher.text)];
  return { text: `{${all.join(', ')}}`, labels };
}
