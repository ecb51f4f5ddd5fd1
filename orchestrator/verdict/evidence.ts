/**
 * Could a rule have fired? Its expression is turned into one that has a value at every moment at which the rule could have been
 * decided, whichever way: `errors / requests > 0.01` becomes `errors / requests`, `lag > on() limit` becomes `lag > bool on() limit`. A join
 * whose labels never match has no evidence although both sides have data.
 */
import type { SyntaxNode } from '@lezer/common';
import {
  binaryOperands,
  calledFunction,
  children,
  type Expression,
  isAbsent,
  isComparison,
  isUnfiltered,
  operands,
  textOf,
} from './expression.ts';

/**
 * PromQL expressions of which each must have a value for the rule to be decidable: one for every branch of a top-level `or` of
 * conditions. Empty when the rule can always be decided (`absent(…)`, `… or vector(0)`).
 */
export function evidenceOf(expression: Expression): string[] {
  const { text } = expression;
  const branches = (node: SyntaxNode): (string | null)[] => {
    if (node.name === 'ParenExpr') return operands(node).flatMap(branches);
    if (node.name !== 'BinaryExpr' || node.getChild('Or') === null) return [evidence(node, text)];
    const [left, right] = binaryOperands(node);
    return isUnfiltered(right, text) ? [evidence(node, text)] : [...branches(left), ...branches(right)];
  };
  return [...new Set(branches(expression.root).filter((branch) => branch !== null))];
}

/** Null means "needs nothing": scalars, literals, `absent`, and whatever is built of them alone. */
function evidence(node: SyntaxNode, text: string): string | null {
  switch (node.name) {
    case 'VectorSelector':
    case 'MatrixSelector':
      return textOf(node, text);
    case 'BinaryExpr':
      return binaryEvidence(node, text);
    case 'FunctionCall':
      return isAbsent(node, text) || calledFunction(node, text) === 'scalar' ? null : rebuilt(node, text);
    default:
      return rebuilt(node, text);
  }
}

/** The node's own text with each operand replaced by its evidence; null when no operand needs anything. */
function rebuilt(node: SyntaxNode, text: string): string | null {
  let result = '';
  let copied = node.from;
  let needs = false;
  for (const operand of operands(node)) {
    const inner = evidence(operand, text);
    needs ||= inner !== null;
    result += text.slice(copied, operand.from) + (inner ?? textOf(operand, text));
    copied = operand.to;
  }
  return needs ? result + text.slice(copied, node.to) : null;
}

function binaryEvidence(node: SyntaxNode, text: string): string | null {
  const [left, right] = binaryOperands(node);
  const [leftNeeds, rightNeeds] = [evidence(left, text), evidence(right, text)];
  if (node.getChild('Unless') !== null) return leftNeeds;
  // Either side of `or` is enough, so one that needs nothing settles it.
  if (node.getChild('Or') !== null && (leftNeeds === null || rightNeeds === null)) return null;
  if (leftNeeds === null) return rightNeeds;
  if (rightNeeds === null) return leftNeeds;
  const [operator] = children(node).filter((child) => child.from >= left.to && !child.type.is('Expr'));
  const bool = isComparison(node) && node.getChild('BoolModifier') === null ? ' bool' : '';
  const operatorEnd = operator?.to ?? left.to;
  return `${leftNeeds} ${text.slice(operator?.from ?? left.to, operatorEnd)}${bool}${text.slice(operatorEnd, right.from)}${rightNeeds}`;
}

/** Whether a low value is the bad one: `availability < 0.999`. Decides which extreme a report shows. */
export function lowIsBad(expression: Expression): boolean {
  const { text } = expression;
  let node = expression.root;
  for (;;) {
    const [left, right] = operands(node);
    if (left === undefined) return false;
    if (isComparison(node)) {
      const below = node.getChild('Lss') !== null || node.getChild('Lte') !== null;
      const above = node.getChild('Gtr') !== null || node.getChild('Gte') !== null;
      // The value of the result is the vector's: `0.9 > availability` is about the right side.
      return isScalar(left, text) && right !== undefined && !isScalar(right, text) ? above : below;
    }
    if (node.name !== 'ParenExpr' && node.name !== 'BinaryExpr') return false;
    node = left;
  }
}

const SCALAR_FUNCTIONS = new Set(['scalar', 'time', 'pi']);

function isScalar(node: SyntaxNode, text: string): boolean {
  if (node.name === 'NumberDurationLiteral') return true;
  if (node.name === 'FunctionCall') return SCALAR_FUNCTIONS.has(calledFunction(node, text));
  const built = node.name === 'ParenExpr' || node.name === 'UnaryExpr' || node.name === 'BinaryExpr';
  return built && operands(node).every((operand) => isScalar(operand, text));
}
