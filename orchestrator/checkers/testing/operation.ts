/** Operations as one line of text: `update b 11-14`, `read absent 5-6`, `delete ok 7-8`, `delete 7-?` (outcome unknown). */
import type { Operation, OperationKind } from '../types.ts';

/** By process 0 at node 0 on the key `k`. */
export function operation(line: string): Operation {
  const words = line.split(' ');
  const kind = words[0] as OperationKind;
  const [start, end] = words.at(-1)!.split('-');
  const what = words.length === 3 ? words[1]! : null;
  const isUnknown = end === '?';
  const outcome = isUnknown ? 'unknown' : what === 'absent' ? 'absent' : 'ok';
  return {
    process: 0,
    operation: kind,
    key: 'k',
    value: kind === 'delete' || outcome === 'absent' ? null : what,
    start: Number(start),
    end: isUnknown ? null : Number(end),
    outcome,
    node: 0,
  };
}
