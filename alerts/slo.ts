/**
 * Generates `slo.rules.yml`, the error budget of a run of whatever system, and `kv_slo.rules.yml`, multiwindow multi-burn-rate alerts of
 * the key-value store for soaks and for on-call (Google, The Site Reliability Workbook, chapter 5). `npx node alerts/slo.ts` writes them; a test
 * checks that they are current.
 */
import { writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';

/** Share of operations that must succeed over 30 days. */
const OBJECTIVE = '0.999';
/** The same as `OPERATIONS_MIN` of `loadtests/lib/objectives.ts`, where the reason stands. */
const OPERATIONS_MIN = 1000;

/** Where the failures of a system are counted: `{errors}` and `{all}` are selectors without a range. */
interface Indicator {
  readonly slo: string;
  readonly system: string;
  readonly errors: string;
  readonly all: string;
}

const INDICATORS: readonly Indicator[] = [
  {
    // What clients get, retries included: soaks.
    slo: 'kv-client',
    system: 'kv',
    errors: 'k6_operations_total{outcome="failed"}',
    all: 'k6_operations_total',
  },
  {
    // What the nodes answer: production, where no k6 runs. A request that no node answers is not in it.
    slo: 'kv-server',
    system: 'kv',
    errors: 'http_requests_total{job="kv", route=~"/api/kv.*", status=~"5.."}',
    all: 'http_requests_total{job="kv", route=~"/api/kv.*"}',
  },
];

interface BurnRate {
  readonly alert: string;
  /** How many times faster than allowed the budget of 30 days is spent. */
  readonly factor: number;
  readonly long: string;
  /** A twelfth of the long window: the alert ends soon after the failures do. */
  readonly short: string;
  /** Share of the budget of 30 days that is gone when the long window has burned at the factor. */
  readonly spent: string;
  readonly for: string;
  readonly severity: 'critical' | 'warning';
  readonly route: 'page' | 'ticket';
}

const BURN_RATES: readonly BurnRate[] = [
  {
    alert: 'ErrorBudgetBurn1h',
    factor: 14.4,
    long: '1h',
    short: '5m',
    spent: '2 %',
    for: '2m',
    severity: 'critical',
    route: 'page',
  },
  {
    alert: 'ErrorBudgetBurn6h',
    factor: 6,
    long: '6h',
    short: '30m',
    spent: '5 %',
    for: '15m',
    severity: 'critical',
    route: 'page',
  },
  {
    alert: 'ErrorBudgetBurn1d',
    factor: 3,
    long: '1d',
    short: '2h',
    spent: '10 %',
    for: '1h',
    severity: 'warning',
    route: 'ticket',
  },
  {
    alert: 'ErrorBudgetBurn3d',
    factor: 1,
    long: '3d',
    short: '6h',
    spent: '10 %',
    for: '3h',
    severity: 'warning',
    route: 'ticket',
  },
];

const annotationsOf = (alert: string, dashboard: string) => ({
  runbook_url: `{{ $externalLabels.runbook_base }}docs/runbooks/${alert}.md`,
  dashboard_url: `{{ $externalLabels.dashboard_base }}d/gameday-${dashboard}`,
  drill: 'kv/drills/no-majority',
});

const errorRatio = (window: string) => `slo:request_errors:ratio_rate${window}`;

function ratioRules(indicator: Indicator) {
  const windows = [...new Set(BURN_RATES.flatMap(({ long, short }) => [short, long]))];
  return windows.map((window) => ({
    record: errorRatio(window),
    // `or … * 0`: a status that was never answered has no series yet, and that is no errors, not no data.
    expr: `(sum(rate(${indicator.errors}[${window}])) or 0 * sum(rate(${indicator.all}[${window}]))) / sum(rate(${indicator.all}[${window}]))`,
    labels: { slo: indicator.slo, system: indicator.system },
  }));
}

function burnRateRule({ alert, factor, long, short, spent, severity, route, ...rate }: BurnRate) {
  const threshold = `(${factor} * (1 - ${OBJECTIVE}))`;
  return {
    alert,
    expr: `${errorRatio(long)} > ${threshold} and ${errorRatio(short)} > ${threshold}`,
    for: rate.for,
    labels: { severity, route },
    annotations: {
      summary: `{{ $labels.slo }} spends its error budget ${factor} times faster than it may.`,
      description: `{{ $value | humanizePercentage }} of the requests of the last ${long} failed, and of the last ${short} too many as well. When this has lasted ${long}, ${spent} of the budget of 30 days is gone. Look at when it began, and at what changed then.`,
      ...annotationsOf(alert, 'overview'),
    },
  };
}

/** The budget of a run: what may fail of all that the profile will start, so that an early failure is not held against few operations. */
const RUN_BUDGET = {
  name: 'slo_run',
  rules: [
    {
      record: 'run_segment:error_budget:operations',
      // Rounded, because (1 - 0.9) * 1000 is a little less than 100. Without enough operations there is no budget to speak of.
      expr: `round((max by (run_id, segment) (k6_planned_operations) >= ${OPERATIONS_MIN}) * on () group_left () (1 - gameday_objective_availability_ratio), 0.001)`,
    },
    {
      alert: 'ErrorBudgetSpent',
      expr: 'sum by (run_id, segment) (k6_operations_total{outcome="failed"}) > on (run_id, segment) run_segment:error_budget:operations',
      labels: { severity: 'critical', route: 'ci', system: 'gameday' },
      annotations: {
        summary: 'More operations have failed than the availability objective allows for the whole run.',
        description:
          '{{ $value | printf "%.0f" }} operations failed within their deadline, retries included, and the rest of the run cannot make up for it. Look at when they failed and which fault was active.',
        ...annotationsOf('ErrorBudgetSpent', 'overview'),
        stays: 'what has failed is not made up for; the count is kept for the rest of the run',
      },
    },
  ],
};

/** The shortest window is 5 minutes: no need to compute three days of ratios every second. */
const KV_BURN_RATES = {
  name: 'slo_burn_rate',
  interval: '30s',
  rules: [...INDICATORS.flatMap(ratioRules), ...BURN_RATES.map(burnRateRule)],
};

/** The rule files as YAML, by their paths. */
export function sloRules(): ReadonlyMap<string, string> {
  const files = { 'slo.rules.yml': RUN_BUDGET, 'kv_slo.rules.yml': KV_BURN_RATES };
  return new Map(
    Object.entries(files).map(([file, group]) => [
      fileURLToPath(new URL(file, import.meta.url)),
      `# Generated by \`node alerts/slo.ts\`: change that file, not this one.\n${stringify({ groups: [group] }, { lineWidth: 0 })}`,
    ]),
  );
}

if (argv[1] === fileURLToPath(import.meta.url)) for (const [file, text] of sloRules()) writeFileSync(file, text);
