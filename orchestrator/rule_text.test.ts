import { expect, test } from '@jest/globals';
import { expandTemplate, formatRuleValue, labelsText, objectiveText } from './rule_text.ts';

const at = (peak: number | null, labels: Record<string, string> = {}) => ({ from: 0, to: 1, labels, peak });

test('a value has the unit with which the rule describes it', () => {
  expect(formatRuleValue(0.6271, { description: 'takes {{ $value | humanizeDuration }} or more' })).toBe('627 ms');
  expect(formatRuleValue(0.00075, { description: 'takes {{ $value | humanizeDuration }}' })).toBe('0.75 ms');
  expect(formatRuleValue(0.934567, { description: '{{ $value | humanizePercentage }} succeeded' })).toBe('93.46 %');
  expect(formatRuleValue(2, { description: '{{ $value | printf "%.0f" }} nodes answer' })).toBe('2');
  expect(formatRuleValue(2.34567, {})).toBe('2.346');
});

test('the objective is the one that the expression names', () => {
  const objectives = {
    write_p99: { unit: 'seconds', value: 0.1 },
    availability: { unit: 'ratio', value: 0.999 },
  } as const;
  expect(objectiveText('x > on () gameday_objective_write_p99_seconds', objectives)).toBe('write p99 100 ms');
  expect(objectiveText('x < gameday_objective_availability_ratio', objectives)).toBe('availability 99.9 %');
  expect(objectiveText('x > gameday_objective_read_p99_seconds', objectives)).toBeNull();
  expect(objectiveText('x > 0', objectives)).toBeNull();
});

test('labels say which node or fault, and not which run', () => {
  const run = { run_id: 'r', job: 'kv', segment: '0', severity: 'critical' };
  expect(labelsText({ ...run, node: '1', instance: '127.0.0.1:40123' })).toBe('node 1 (127.0.0.1:40123)');
  expect(labelsText({ ...run, fault: 'chaos', injection: '2' })).toBe('fault chaos, injection 2');
  expect(labelsText({ instance: '127.0.0.1:1', job: 'gameday' })).toBe('');
  expect(labelsText({ instance: '127.0.0.1:1' })).toBe('instance 127.0.0.1:1');
});

test('a template is filled with what fired, and names what it does not have', () => {
  const says =
    '{{ $labels.job }}{{ with $labels.node }} node {{ . }}{{ end }} of {{ $labels.peer }}: {{ $value | printf "%.0f" }}';
  expect(expandTemplate(says, at(3, { job: 'kv', node: '1' }))).toBe('kv node 1 of ‹peer›: 3');
  expect(expandTemplate(says, at(null, { job: 'gameday', peer: '2' }))).toBe('gameday of 2: ‹value›');
});
