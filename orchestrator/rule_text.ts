/**
 * What a rule says of its value and labels, for people. Alertmanager's templates know far more; these are the forms that the rules
 * of `alerts/` use, and whatever else there is stays as it is written.
 */
import type { Objective } from './scenario/types.ts';
import { formatDuration } from './verdict/duration.ts';
import type { Interval } from './verdict/types.ts';

type Texts = Readonly<Record<string, string>>;

/** How the description writes the value is all that says what the number is. */
const VALUE = /\{\{\s*\$value\s*\|\s*(humanizeDuration|humanizePercentage|printf "%\.(\d)f")\s*\}\}/;

/** The same for all that a rule finds in one run: they tell no two intervals apart. */
const LABELS_OF_THE_RUN = new Set(['severity', 'system', 'route', 'job', 'run_id', 'segment']);

/** The name of a metric that tells rules the scenario's objective: its name and unit follow. */
const OBJECTIVE = /gameday_objective_(\w+)/;

/** With the unit that the rule's description gives it: `627 ms`, `93.46 %`, `7`. */
export function formatRuleValue(value: number, { description = '' }: Texts): string {
  return valueText(value, VALUE.exec(description));
}

/** `write p99 100 ms`: the objective that the expression names, if the scenario has it. */
export function objectiveText(expr: string, objectives: Readonly<Record<string, Objective>>): string | null {
  const metric = OBJECTIVE.exec(expr)?.[1];
  const found = Object.entries(objectives).find(([name, { unit }]) => metric === `${name}_${unit}`);
  if (found === undefined) return null;
  const [name, { unit, value }] = found;
  const form = unit === 'seconds' ? 'humanizeDuration' : unit === 'ratio' ? 'humanizePercentage' : '';
  return `${name.replaceAll('_', ' ')} ${valueText(value, ['', form])}${unit === 'per_second' ? '/s' : ''}`;
}

/** What it is about: `node 1 (127.0.0.1:40123)`, `fault chaos, injection 2`; empty when it is about the whole run. */
export function labelsText(labels: Texts): string {
  const { node, instance, ...others } = labels;
  const where = node === undefined ? [] : [`node ${node}${instance === undefined ? '' : ` (${instance})`}`];
  // The orchestrator's own port says nothing; a label of somebody else's rule may be all there is.
  const alone =
    node === undefined && instance !== undefined && labels.job !== 'gameday' ? [`instance ${instance}`] : [];
  const rest = Object.entries(others).filter(([label]) => !LABELS_OF_THE_RUN.has(label));
  return [...where, ...alone, ...rest.map(([label, value]) => `${label} ${value}`)].join(', ');
}

/** A template with an interval's labels and value; what it does not have is shown by its name: `‹peer›`. */
export function expandTemplate(template: string, interval: Interval | undefined): string {
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
  if (name === 'humanizePercentage') return `${Number((value * 100).toPrecision(4))} %`;
  return digits === undefined ? short(value) : Number.isInteger(value) ? String(value) : value.toFixed(Number(digits));
}

function formatSeconds(seconds: number): string {
  return seconds > 0 && seconds < 0.01 ? `${short(seconds * 1000)} ms` : formatDuration(seconds * 1000);
}

function short(value: number): string {
  return Number.isInteger(value) || !Number.isFinite(value) ? String(value) : String(Number(value.toPrecision(4)));
}
