/** Writes numbers into an expression in place of metrics: objectives, which only a run exports. */
import type { SyntaxNode } from '@lezer/common';
import { VerdictError } from './errors.ts';
import { binaryOperands, children, type Expression, operands, textOf } from './expression.ts';

interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/**
 * The expression with each selector of a metric that `constantOf` knows replaced by its value; it answers null for any other. What was
 * joined to such a value alone, as in `x > on () group_left () objective / 2`, is compared with a number: `x > 0.05 / 2`, which keeps the
 * labels of `x` just so. Anywhere else it becomes `vector(0.05)`. Throws EXPRESSION_UNSUPPORTED where it is read over time.
 */
export function withConstants(expression: Expression, constantOf: (name: string) => number | null): string {
  const { text } = expression;
  const edits: Edit[] = [];
  const constant = (node: SyntaxNode): number | null => {
    const name = node.name === 'VectorSelector' ? node.getChild('Identifier') : null;
    return name === null ? null : constantOf(textOf(name, text));
  };
  const isNumber = (node: SyntaxNode): boolean => {
    if (node.name === 'NumberDurationLiteral' || constant(node) !== null) return true;
    const built = node.name === 'ParenExpr' || node.name === 'UnaryExpr' || node.name === 'BinaryExpr';
    return built && !isJoined(node) && operands(node).every(isNumber);
  };
  const visit = (node: SyntaxNode, scalar: boolean): void => {
    const value = constant(node);
    if (value !== null) {
      if (node.parent?.name === 'MatrixSelector' || node.parent?.name === 'OffsetExpr')
        throw new VerdictError(
          'EXPRESSION_UNSUPPORTED',
          `\`${textOf(node.parent, text)}\` reads an objective over time, which a number has not`,
        );
      edits.push({ from: node.from, to: node.to, text: scalar ? String(value) : `vector(${value})` });
      return;
    }
    const join = node.getChild('MatchingModifierClause');
    if (node.name === 'BinaryExpr' && join !== null && keepsAllLabels(join, text)) {
      const [left, right] = binaryOperands(node);
      if (isNumber(right)) {
        visit(left, false);
        edits.push({ from: join.from, to: right.from, text: '' });
        visit(right, true);
        return;
      }
    }
    for (const child of children(node)) visit(child, scalar);
  };
  visit(expression.root, false);
  return edited(text, edits);
}

function isJoined(node: SyntaxNode): boolean {
  return ['MatchingModifierClause', 'And', 'Or', 'Unless'].some((kind) => node.getChild(kind) !== null);
}

/** `on () group_left ()`: every series on the left meets the one on the right, and stays what it is. */
function keepsAllLabels(join: SyntaxNode, text: string): boolean {
  return /^on\s*\(\s*\)\s*group_left\s*(\(\s*\))?$/i.test(textOf(join, text));
}

function edited(text: string, edits: readonly Edit[]): string {
  let result = '';
  let copied = 0;
  for (const { from, to, text: instead } of [...edits].sort((a, b) => a.from - b.from)) {
    result += text.slice(copied, from) + instead;
    copied = to;
  }
  return result + text.slice(copied);
}
