/** The checkers' results in one line each, for page and Markdown. */
import type { RunRecord } from '../run/record.ts';
import type { Result } from '../verdict/types.ts';
import { formatSeconds } from './format.ts';

type Checkers = NonNullable<RunRecord['checkers']>;

export interface CheckerRow {
  readonly name: string;
  readonly result: Result;
  /** One sentence. */
  readonly text: string;
}

/** One row a checker. A checker without a result has proved nothing: inconclusive, with the reason. */
export function checkerRows({ linearizability, durability, states, problems }: Checkers): CheckerRow[] {
  const noResult = (checker: keyof typeof problems) => ({
    result: 'inconclusive' as const,
    text: problems[checker] ?? 'It did not run.',
  });
  return [
    {
      name: 'Linearizability',
      ...(linearizability === null
        ? noResult('linearizability')
        : {
            result: resultOf(linearizability.linearizable),
            text:
              linearizability.reason ??
              `${linearizability.operations} operations on ${linearizability.keys} entries, ${linearizability.violatingKeys} not linearizable; took ${formatSeconds(linearizability.seconds)}`,
          }),
    },
    {
      name: 'Durability',
      ...(durability === null
        ? noResult('durability')
        : {
            result: resultOf(durability.durable),
            text:
              durability.reason ??
              `${durability.writes} acknowledged writes on ${durability.keys} entries, ${durability.lostWrites} lost; took ${formatSeconds(durability.seconds)}`,
          }),
    },
    {
      name: 'Equal states',
      ...(states === null
        ? noResult('states')
        : {
            result: states.result === 'not comparable' ? 'inconclusive' : resultOf(states.result === 'equal'),
            text: states.reason,
          }),
    },
  ];
}

function resultOf(holds: boolean | 'unknown'): Result {
  return holds === 'unknown' ? 'inconclusive' : holds ? 'pass' : 'fail';
}
