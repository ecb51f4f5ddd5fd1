/**
 * A rule's annotations in words. Alertmanager's templates know far more; these are the forms that the rules of `alerts/` use, and
 * whatever else there is stays as it is written.
 */
import type { Objective } from '../scenario/types.ts';
import type { CriterionResult, Interval } from '../verdict/types.ts';
import { formatSeconds, formatValue } from './format.ts';

/** How the rule writes its value, which is all that says what the number is. */
const VALUE = /\{\{\s*\$value\s*\|\s*(humanizeDuration|humanizePercentage|printf "%\.(\d)f")\s*\}\}/;
const OBJECTIVE = /gameday_objective_(\w+)/;
const OBJECTIVE_UNITS = { seconds: 's', ratio: 'percentunit', per_second: 'ops' } as const;

/** The summary; a label it names is filled in from where the alert was pending or fired, else shown by its name: `‹peer›`. */
export function summaryOf({ annotations, firing, pending }: CriterionResult): string {
  return expand(annotations.summary ?? '', firing[0] ?? pending[0]);
}

/** What the alert said when it first fired, with its value; null when it did not fire. */
export function descriptionOf({ annotations, firing }: CriterionResult): string | null {
  const { description } = annotations;
  return firing[0] === undefined || description === undefined ? null : expand(description, firing[0]);
}

/** The value furthest on the wrong side, as the rule's description writes its value. */
export function peakText({ annotations }: CriterionResult, peak: number): string {
  return valueText(peak, VALUE.exec(annotations.description ?? ''));
}

/** `objective write p99 100 ms`: what the rule compares with, where that is an objective of the scenario. */
export function objectiveText(
  { expr }: CriterionResult,
  objectives: Readonly<Record<string, Objective>>,
): string | null {
  const metric = OBJECTIVE.exec(expr)?.[1];
  const found = Object.entries(objectives).find(([name, { unit }]) => metric === `${name}_${unit}`);
  if (found === undefined) return null;
  const [name, { unit, value }] = found;
  return `objective ${name.replaceAll('_', ' ')} ${formatValue(value, OBJECTIVE_UNITS[unit])}`;
}

function expand(template: string, interval: Interval | undefined): string {
  const labels = interval?.labels ?? {};
  return template
    .replace(/\{\{\s*with \$labels\.(\w+)\s*\}\}(.*?)\{\{\s*end\s*\}\}/g, (_, name: string, inner: string) => {
      const value = labels[name];
      return value === undefined ? '' : inner.replace(/\{\{\s*\.\s*\}\}/g, () => value);
    })
    .replace(/\{\{\s*\$labels\.(\w+)\s*\}\}/g, (_, name: string) => labels[name] ?? `‹${name}›`)
    .replace(new RegExp(VALUE, 'g'), (...match) =>
      interval === undefined || interval.peak === null ? '‹value›' : valueText(interval.peak, match as string[]),
    );
}

function valueText(value: number, form: readonly string[] | null): string {
  const [, name, digits] = form ?? [];
  if (name === 'humanizeDuration') return formatSeconds(value);
  if (name === 'humanizePercentage') return formatValue(value, 'percentunit');
  return digits === undefined ? String(Number(value.toPrecision(4))) : value.toFixed(Number(digits));
}
