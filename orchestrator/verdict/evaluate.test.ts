import { describe, expect, test } from '@jest/globals';
import type { Criterion } from '../scenario/types.ts';
import { judgeCriterion, type Observation, type RuleFacts, type RunFacts } from './evaluate.ts';
import type { Interval, Span } from './types.ts';

const s = (seconds: number): number => seconds * 1000;

/** A load of 60 s, settling for 10 s, a fault from 20 s to 30 s; one evaluation a second. Times below are in seconds. */
const RUN: RunFacts = {
  window: { from: 0, to: s(70) },
  loading: { from: 0, to: s(60) },
  faults: [{ name: 'kill', from: s(20), to: s(30) }],
  objectives: { p99: { unit: 'seconds' as const, value: 0.25 } },
  scrapeGaps: [],
  interrupted: false,
};

/** Reacts after 5 s of range + 3 s of `for` + 2 evaluations = 10 s, so the fault's shadow is 20 s to 40 s. */
const RULE: RuleFacts = {
  expr: 'x > 1',
  forMs: s(3),
  keepFiringForMs: 0,
  spanMs: s(5),
  intervalMs: s(1),
  lowIsBad: false,
  labels: { severity: 'critical' },
  annotations: { summary: 'x is high' },
};

const during = (from: number, to: number, peak: number | null = 7): Interval => ({
  from: s(from),
  to: s(to),
  labels: { i: 'a' },
  peak,
});

const QUIET: Observation = {
  grid: { fromMs: s(-5), toMs: s(70), stepMs: s(1) },
  life: { pending: [], firing: [] },
  recorded: [],
  disagreement: null,
  missing: [],
  evidence: [[{ from: s(-5), to: s(71) }]],
  missedEvaluations: [],
};

interface Case {
  readonly firing?: Interval[];
  readonly pending?: Interval[];
  readonly observed?: Partial<Observation>;
  readonly rule?: Partial<RuleFacts>;
  readonly run?: Partial<RunFacts>;
}

function conclude(criterion: Omit<Criterion, 'alert'>, c: Case = {}) {
  const life = { pending: c.pending ?? [], firing: c.firing ?? [] };
  return judgeCriterion(
    { alert: 'A', ...criterion },
    { ...RULE, ...c.rule },
    { ...QUIET, life, ...c.observed },
    { ...RUN, ...c.run },
  );
}

const SILENT = { expect: 'silent' } as const;
const OUTSIDE = { expect: 'silent', outside: 'faults' } as const;
const SILENT_DURING = { expect: 'silent', during: 'kill' } as const;
const FIRING = { expect: 'firing' } as const;
const FIRING_DURING = { expect: 'firing', during: 'kill' } as const;
const gap = (from: number, to: number): Span => ({ from: s(from), to: s(to) });

type Row = [what: string, criterion: Omit<Criterion, 'alert'>, c: Case, result: string, reason: string];

describe('silent', () => {
  test.each<Row>([
    ['nothing fired', SILENT, {}, 'pass', 'silent for 70 s, and it could have fired'],
    [
      'it fired',
      SILENT,
      { firing: [during(40, 52)] },
      'fail',
      'fired for 12 s (+40 s to +52 s) 10 s after the fault "kill" was over; highest value 7, at i a',
    ],
    ['it fired at the first evaluation', SILENT, { firing: [during(0, 1)] }, 'fail', 'with no fault active'],
    ['it fired at the last evaluation', SILENT, { firing: [during(69, 70)] }, 'fail', 'fired'],
    ['it fired only before the load', SILENT, { firing: [during(-4, 0)] }, 'pass', 'silent'],
    ['it fired from before the load into it', SILENT, { firing: [during(-4, 2)] }, 'fail', '(+0 ms to +2 s)'],
    ['it fired in a fault', SILENT, { firing: [during(22, 25)] }, 'fail', 'while the fault "kill" was active'],
    [
      'low is bad',
      SILENT,
      { firing: [during(2, 3, 0.93456)], rule: { lowIsBad: true } },
      'fail',
      'lowest value 0.9346',
    ],
    [
      'the rule names its unit and its objective',
      SILENT,
      {
        firing: [during(2, 3, 0.5)],
        rule: {
          expr: 'x > gameday_objective_p99_seconds',
          annotations: { description: 'took {{ $value | humanizeDuration }}' },
        },
      },
      'fail',
      'highest value 500 ms, objective p99 250 ms, at i a',
    ],
    ['pending in between', SILENT, { pending: [during(5, 7)] }, 'pass', 'silent'],
    [
      'pending at the end',
      SILENT,
      { pending: [during(69, 71)] },
      'inconclusive',
      'still pending at the end, for 1 s of the 3 s',
    ],
    [
      'a series is missing',
      SILENT,
      { observed: { missing: ['x{a="b"}', 'y'] } },
      'inconclusive',
      'no series matched `x{a="b"}` (nor `y`)',
    ],
    ['no value ever', SILENT, { observed: { evidence: [[]] } }, 'inconclusive', 'labels never match'],
    [
      'a value for too short',
      SILENT,
      { observed: { evidence: [[gap(0, 4)]] } },
      'inconclusive',
      'for at most 4 s in a row and needs 5 s',
    ],
    [
      'one of two branches without a value',
      SILENT,
      { observed: { evidence: [[gap(0, 70)], []] } },
      'inconclusive',
      'no value at any time',
    ],
    ['needs nothing', SILENT, { observed: { evidence: [] } }, 'pass', 'silent'],
    [
      'blind for long enough to hide a firing',
      SILENT,
      { observed: { evidence: [[gap(0, 20), gap(45, 60)]], life: QUIET.life }, run: { faults: [] } },
      'inconclusive',
      'no value from +20 s to +45 s',
    ],
    [
      'blind for as long as the rule takes to react',
      SILENT,
      { observed: { evidence: [[gap(0, 20), gap(40, 60)]] }, run: { faults: [] } },
      'pass',
      'silent',
    ],
    [
      'blind in the shadow of a fault',
      SILENT,
      { observed: { evidence: [[gap(0, 15), gap(45, 60)]] } },
      'pass',
      'silent',
    ],
    [
      'blind while settling, when the load has ended',
      SILENT,
      { observed: { evidence: [[gap(0, 60)]] }, rule: { spanMs: 0, forMs: 0 } },
      'pass',
      'silent',
    ],
    [
      'the window is too short',
      SILENT,
      { rule: { spanMs: s(66) } },
      'inconclusive',
      'it needs 71 s (range 66 s, `for` 3 s, two evaluations) and had 70 s',
    ],
    ['the window is just long enough', SILENT, { rule: { spanMs: s(65) } }, 'pass', 'silent'],
    [
      'missed evaluations',
      SILENT,
      { observed: { missedEvaluations: [gap(10, 12)] } },
      'inconclusive',
      'missed evaluations of its group from +10 s to +12 s',
    ],
    [
      'evaluations missed before the load',
      SILENT,
      { observed: { missedEvaluations: [gap(-4, -2)] } },
      'pass',
      'silent',
    ],
    [
      'a target was not scraped',
      SILENT,
      { run: { scrapeGaps: [{ ...gap(3, 9), target: '127.0.0.1:8080' }] } },
      'inconclusive',
      'no scrape of 127.0.0.1:8080 from +3 s to +9 s',
    ],
    [
      'Prometheus disagrees',
      SILENT,
      { observed: { disagreement: { by: 'prometheus', interval: during(5, 6), at: s(5) } } },
      'inconclusive',
      "Prometheus' own ALERTS shows it firing at +5 s and the judge does not",
    ],
    [
      'the judge is alone with it, so it is no proof',
      SILENT,
      { firing: [during(5, 6)], observed: { disagreement: { by: 'judge', interval: during(5, 6), at: s(5) } } },
      'inconclusive',
      'the judge sees it firing',
    ],
    [
      'it fired, whatever else is doubtful',
      SILENT,
      { firing: [during(5, 6)], observed: { missing: ['y'], missedEvaluations: [gap(10, 12)] } },
      'fail',
      'fired',
    ],
    ['interrupted after it fired', SILENT, { firing: [during(5, 6)], run: { interrupted: true } }, 'fail', 'fired'],
  ])('%s', (_, criterion, c, result, reason) => {
    expect(conclude(criterion, c)).toMatchObject({ result, reason: expect.stringContaining(reason) });
  });
});

describe('silent outside faults: 0 s to 20 s and 40 s to 70 s', () => {
  test.each<Row>([
    ['fired in the fault', OUTSIDE, { firing: [during(22, 30)] }, 'pass', 'silent for 50 s outside the faults'],
    ['fired until its shadow ended', OUTSIDE, { firing: [during(22, 40)] }, 'pass', 'silent'],
    ['fired one evaluation longer', OUTSIDE, { firing: [during(22, 41)] }, 'fail', '(+40 s to +41 s)'],
    [
      'keep_firing_for lengthens the shadow',
      OUTSIDE,
      { firing: [during(22, 44)], rule: { keepFiringForMs: s(4) } },
      'pass',
      'silent',
    ],
    ['fired right before', OUTSIDE, { firing: [during(19, 20)] }, 'fail', 'with no fault active'],
    ['fired from before into the fault', OUTSIDE, { firing: [during(18, 25)] }, 'fail', '(+18 s to +20 s)'],
    [
      'what is left is too short',
      OUTSIDE,
      { rule: { spanMs: s(20), forMs: s(20) } },
      'inconclusive',
      'could not have fired outside the faults',
    ],
    [
      'no value outside',
      OUTSIDE,
      { observed: { evidence: [[gap(21, 39)]] } },
      'inconclusive',
      'no value at any time outside the faults',
    ],
    ['without faults it is the whole window', OUTSIDE, { run: { faults: [] } }, 'pass', 'silent for 70 s'],
    ['pending at the end', OUTSIDE, { pending: [during(68, 71)] }, 'inconclusive', 'pending'],
  ])('%s', (_, criterion, c, result, reason) => {
    expect(conclude(criterion, c)).toMatchObject({ result, reason: expect.stringContaining(reason) });
  });
});

describe('silent during a fault', () => {
  test.each<Row>([
    ['nothing fired', SILENT_DURING, {}, 'pass', 'during the fault "kill"'],
    ['fired elsewhere', SILENT_DURING, { firing: [during(2, 5), during(50, 55)] }, 'pass', 'silent'],
    ['fired in its shadow', SILENT_DURING, { firing: [during(35, 37)] }, 'fail', '5 s after the fault "kill" was over'],
    [
      'a fault too short to be seen',
      SILENT_DURING,
      { run: { faults: [{ name: 'kill', ...gap(20, 29) }] } },
      'inconclusive',
      'it needs 10 s',
    ],
    [
      'a fault that never was',
      SILENT_DURING,
      { run: { faults: [] } },
      'inconclusive',
      'the fault "kill" was never injected',
    ],
    ['pending at the end of the run is elsewhere', SILENT_DURING, { pending: [during(69, 71)] }, 'pass', 'silent'],
  ])('%s', (_, criterion, c, result, reason) => {
    expect(conclude(criterion, c)).toMatchObject({ result, reason: expect.stringContaining(reason) });
  });
});

describe('firing', () => {
  test.each<Row>([
    ['it fired', FIRING, { firing: [during(40, 52)] }, 'pass', 'fired for 12 s'],
    ['it stayed silent', FIRING, {}, 'fail', 'must fire but stayed silent: its condition was never true'],
    ['it came close', FIRING, { pending: [during(5, 7)] }, 'fail', 'true for at most 2 s of the 3 s'],
    ['it fired only before the load', FIRING, { firing: [during(-4, -1)] }, 'fail', 'stayed silent'],
    ['a series is missing', FIRING, { observed: { missing: ['y'] } }, 'inconclusive', 'no series matched `y`'],
    ['no value ever', FIRING, { observed: { evidence: [[]] } }, 'inconclusive', 'no value at any time'],
    ['still pending at the end', FIRING, { pending: [during(69, 71)] }, 'inconclusive', 'still pending'],
    [
      'missed evaluations and silent',
      FIRING,
      { observed: { missedEvaluations: [gap(10, 12)] } },
      'inconclusive',
      'missed evaluations',
    ],
    [
      'missed evaluations and fired',
      FIRING,
      { firing: [during(40, 52)], observed: { missedEvaluations: [gap(10, 12)] } },
      'pass',
      'fired',
    ],
    [
      'interrupted before it fired',
      FIRING,
      { run: { interrupted: true } },
      'inconclusive',
      'before the run was interrupted',
    ],
    ['a window shorter than `for`', FIRING, { rule: { forMs: s(69) } }, 'inconclusive', 'could not have fired'],
    [
      'Prometheus disagrees',
      FIRING,
      { firing: [during(5, 6)], observed: { disagreement: { by: 'judge', interval: during(5, 6), at: s(5) } } },
      'inconclusive',
      'ALERTS does not',
    ],
  ])('%s', (_, criterion, c, result, reason) => {
    expect(conclude(criterion, c)).toMatchObject({ result, reason: expect.stringContaining(reason) });
  });
});

describe('firing during a fault, silent elsewhere', () => {
  const twice = {
    faults: [
      { name: 'kill', ...gap(5, 10) },
      { name: 'kill', ...gap(40, 50) },
    ],
  };
  test.each<Row>([
    ['fired inside', FIRING_DURING, { firing: [during(24, 33)] }, 'pass', '4 s after the injection it fired for 9 s'],
    ['fired in its shadow', FIRING_DURING, { firing: [during(35, 40)] }, 'pass', '15 s after the injection'],
    [
      'fired too early',
      FIRING_DURING,
      { firing: [during(18, 33)] },
      'fail',
      'must fire only during the fault "kill", but fired for 2 s (+18 s to +20 s)',
    ],
    ['fired for too long', FIRING_DURING, { firing: [during(24, 45)] }, 'fail', '(+40 s to +45 s)'],
    [
      'fired inside and again elsewhere',
      FIRING_DURING,
      { firing: [during(24, 30), during(50, 51)] },
      'fail',
      '(+50 s to +51 s)',
    ],
    ['fired only elsewhere', FIRING_DURING, { firing: [during(50, 51)] }, 'fail', 'must fire only'],
    ['stayed silent', FIRING_DURING, {}, 'fail', 'must fire during the fault "kill" but stayed silent'],
    ['a fault that never was', FIRING_DURING, { run: { faults: [] } }, 'inconclusive', 'never injected'],
    [
      'a fault too short for the condition',
      FIRING_DURING,
      { run: { faults: [{ name: 'kill', ...gap(20, 21) }] }, rule: { spanMs: 0 } },
      'inconclusive',
      'its condition can hold for 1 s and must hold for 5 s',
    ],
    [
      'pending at the end',
      FIRING_DURING,
      { firing: [during(24, 33)], pending: [during(69, 71)] },
      'inconclusive',
      'still pending',
    ],
    [
      'missed evaluations, so elsewhere is unproven',
      FIRING_DURING,
      { firing: [during(24, 33)], observed: { missedEvaluations: [gap(50, 52)] } },
      'inconclusive',
      'missed',
    ],
    [
      'fired to the end, where the rule says that it stays',
      FIRING_DURING,
      { firing: [during(24, 71)], rule: { annotations: { stays: 'a count' } } },
      'pass',
      '4 s after the injection',
    ],
    [
      'fired at the end only, where the rule says that it stays: what is known once the load is over',
      FIRING_DURING,
      { firing: [during(62, 71)], rule: { annotations: { stays: 'a count' } } },
      'pass',
      '42 s after the injection',
    ],
    [
      'fired before, although it stays',
      FIRING_DURING,
      { firing: [during(10, 71)], rule: { annotations: { stays: 'a count' } } },
      'fail',
      'must fire only during',
    ],
    [
      'stayed silent to the end, although it would stay',
      FIRING_DURING,
      { rule: { annotations: { stays: 'a count' } } },
      'fail',
      'stayed silent',
    ],
    [
      'fired while the orchestrator was silent: it was seen',
      FIRING_DURING,
      { firing: [during(24, 33)], run: { scrapeGaps: [{ ...gap(19, 30), target: 'the orchestrator' }] } },
      'pass',
      'fired',
    ],
    [
      'fired, and later nobody looked whether it was silent',
      FIRING_DURING,
      { firing: [during(24, 33)], run: { scrapeGaps: [{ ...gap(50, 60), target: 'the orchestrator' }] } },
      'inconclusive',
      'no scrape of the orchestrator',
    ],
    ['twice, fired in both', FIRING_DURING, { firing: [during(6, 9), during(42, 45)], run: twice }, 'pass', 'fired'],
    ['twice, fired in one', FIRING_DURING, { firing: [during(6, 9)], run: twice }, 'fail', 'stayed silent'],
    ['in time', { ...FIRING_DURING, withinMs: s(5) }, { firing: [during(25, 30)] }, 'pass', '5 s after the injection'],
    ['too late', { ...FIRING_DURING, withinMs: s(5) }, { firing: [during(26, 30)] }, 'fail', 'fired 6 s after'],
    [
      'in time, interrupted later',
      FIRING_DURING,
      { firing: [during(24, 33)], run: { interrupted: true } },
      'pass',
      'fired',
    ],
  ])('%s', (_, criterion, c, result, reason) => {
    expect(conclude(criterion, c)).toMatchObject({ result, reason: expect.stringContaining(reason) });
  });
});

test('the result carries what a report needs', () => {
  const firing = [during(-4, -2), during(22, 25)];
  const result = conclude(OUTSIDE, {
    firing,
    pending: [during(19, 22)],
    observed: { recorded: [during(22, 25, null)] },
  });
  expect(result).toMatchObject({
    alert: 'A',
    expect: 'silent',
    outside: 'faults',
    window: RUN.window,
    firing: [during(22, 25)],
    faultsActive: ['kill'],
    expr: 'x > 1',
    for: 3000,
    labels: { severity: 'critical' },
    annotations: { summary: 'x is high' },
  });
});

test('a rule that cannot be observed is inconclusive with the reason', () => {
  const result = judgeCriterion(
    { alert: 'A', expect: 'silent' },
    null,
    { because: 'no rule file defines the alert A' },
    RUN,
  );
  expect(result).toMatchObject({ result: 'inconclusive', reason: 'no rule file defines the alert A', expr: '' });
});

describe('an existing system, whose labels may be others', () => {
  const unmatched = { unmatched: ['up{zone!=""}'] };

  test.each<Row>([
    [
      'what fired may lack them only',
      SILENT,
      { firing: [during(5, 9)], observed: unmatched },
      'inconclusive',
      'no series matched `up{zone!=""}`',
    ],
    [
      'nor has it fired as expected',
      FIRING,
      { firing: [during(5, 9)], observed: unmatched },
      'inconclusive',
      'lack of them',
    ],
    [
      'silence does not hang on what a rule can do without',
      SILENT,
      { observed: unmatched },
      'pass',
      'could have fired',
    ],
    ['with all labels it fails', SILENT, { firing: [during(5, 9)], observed: { unmatched: [] } }, 'fail', 'fired'],
  ])('%s', (_, criterion, c, result, reason) => {
    expect(conclude(criterion, c)).toMatchObject({ result, reason: expect.stringContaining(reason) });
  });
});
