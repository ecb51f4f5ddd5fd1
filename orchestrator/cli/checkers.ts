/** What the checkers found, for people: one line each, and why one of them found nothing. */
import { describeViolation } from '../report/violation.ts';
import type { RunRecord } from '../run/record.ts';

type Checkers = NonNullable<RunRecord['checkers']>;

export interface CheckerLine {
  readonly text: string;
  readonly good: boolean;
}

export function describeCheckers({ linearizability, durability, states, problems }: Checkers): CheckerLine[] {
  const lines: CheckerLine[] = [];
  if (states !== null) lines.push({ text: states.reason, good: states.result === 'equal' });
  if (linearizability !== null) {
    const { linearizable, operations, keys, violatingKeys, violations } = linearizability;
    const judged = `${operations} operations on ${keys} entries`;
    const good = linearizable === true;
    lines.push({ text: good ? `${judged}: linearizable` : `${judged}: ${violatingKeys} not linearizable`, good });
    for (const violation of violations.slice(0, 1)) lines.push({ text: describeViolation(violation), good: false });
  }
  if (durability !== null) {
    const { durable, writes, lostWrites, lost } = durability;
    const good = durable === true;
    lines.push({ text: `${writes} acknowledged writes: ${good ? 'none' : lostWrites} lost`, good });
    for (const { reason } of lost.slice(0, 1)) lines.push({ text: reason, good: false });
  }
  for (const [checker, problem] of Object.entries(problems)) {
    lines.push({ text: `no result on ${checker}: ${problem}`, good: false });
  }
  return lines;
}
