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

/** What k6 and the orchestrator export has jobs of its own. */
const OF_A_RUN = /^(?:gameday_|k6_)/;

export interface ForeignSelector {
  /** To ask for there. */
  readonly text: string;
  /** Whether it was restricted to the system's own job, since nobody says another one. */
  readonly ofSystem: boolean;
  /** Labels that what is found is given here: the rule's own value, where a matcher stands in for the rule's. */
  readonly labels: Readonly<Record<string, string>>;
}

/**
 * The selector with the matchers added. Where a matcher is about a label that the selector pins to one value, it takes that place: with
 * `job="kv-prod"`, `up{job="kv"}` asks for `up{job="kv-prod"}`, and what is found is `up{job="kv"}` here, where the rules look for it.
 *
 * A run's Prometheus scrapes nobody but the system, so a rule may leave out the job, as `up{node!=""}` does. Others scrape much else: where neither
 * the rule nor a matcher says a job, only the system's own series are asked for, and those that have none, which were pushed.
 */
export function foreignSelector(
  { text, name }: Pick<Selector, 'text' | 'name'>,
  matchers: readonly LabelMatcher[],
  system: string,
): ForeignSelector {
  const labels: Record<string, string> = {};
  const own = labelMatchers(text);
  const ofSystem = !OF_A_RUN.test(name ?? '') && ![...own, ...matchers].some(({ label }) => label === 'job');
  const kept = own.filter(({ label, operator, value }) => {
    const instead = operator === '=' && matchers.some((matcher) => matcher.label === label);
    if (instead) labels[label] = value;
    return !instead;
  });
  const all = [
    `__name__=${JSON.stringify(name)}`,
    ...[...kept, ...matchers].map((matcher) => matcher.text),
    ...(ofSystem ? [`job=~"${system}|"`] : []),
  ];
  return { text: `{${all.join(', ')}}`, labels, ofSystem };
}
