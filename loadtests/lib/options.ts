/** k6's options, the same for every script: they differ in what an operation is, not in how it is measured. */
import type { Options } from 'k6/options';
import { loadScenario, plannedOperations } from '../profiles.ts';
import type { LoadInput } from './environment.ts';
import { thresholds } from './objectives.ts';
import { ATTEMPT_OUTCOMES } from './operation.ts';

export function loadOptions(input: LoadInput): Options {
  return {
    scenarios: { [input.profile]: loadScenario(input) },
    thresholds: {
      ...thresholds(input, plannedOperations(input)),
      ...(input.summaryByOutcome ? countsByOutcome() : {}),
    },
    tags: { run_id: input.runId, segment: String(input.segment) },
    // `url` would make a series for every entry; `group` and `scenario` would give the zeros of setup() other labels.
    systemTags: ['name', 'method', 'status', 'error_code'],
    summaryTrendStats: ['count', 'avg', 'min', 'med', 'max', 'p(90)', 'p(95)', 'p(99)', 'p(99.9)'],
  };
}

/** k6 keeps a metric by its labels only where a threshold asks for it. These hold always: they judge nothing. */
function countsByOutcome(): Record<string, string[]> {
  const operations = ['ok', 'failed'].map((outcome) => `operations{outcome:${outcome}}`);
  const attempts = ATTEMPT_OUTCOMES.map((outcome) => `attempts{outcome:${outcome}}`);
  return Object.fromEntries([...operations, ...attempts].map((name) => [name, ['count>=0']]));
}
