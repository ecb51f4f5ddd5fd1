/** What a PromQL expression reads: its vector selectors, how far back each looks, and which of them it cannot do without. */
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';
import { parseDuration } from './duration.ts';
import { VerdictError } from './errors.ts';

export interface Expression {
  readonly text: string;
  readonly root: SyntaxNode;
}

export interface Selector {
  /** The instant selector as written, without range and offset: `up{job="kv"}`. */
  readonly text: string;
  /** The metric's name, or null when the selector does not pin it to one. */
  readonly name: string | null;
  /** How far back from the moment of evaluation it looks: its range, its offset and those of the subqueries around it. */
  readonly reachMs: number;
  /** Its range and offset as written, for asking whether it has data: `[30s]`, ` offset 5m`. */
  readonly range: string;
  readonly offset: string;
  /** False when the rule can fire although the selector matches nothing; see docs/adr/0003. */
  readonly required: boolean;
}

/** Parses one expression; a syntax error says where. */
export function parseExpression(text: string): Expression {
  const tree = parser.parse(text);
  let errorAt = -1;
  tree.iterate({
    enter(node) {
      if (node.type.isError && errorAt < 0) errorAt = node.from;
    },
  });
  const root = tree.topNode.firstChild;
  if (errorAt >= 0 || root === null) {
    throw new VerdictError('EXPRESSION_INVALID', `not PromQL: \`${text}\` (at character ${Math.max(errorAt, 0) + 1})`);
  }
  return { text, root };
}

export function children(node: SyntaxNode): SyntaxNode[] {
  const list: SyntaxNode[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) list.push(child);
  return list;
}

export function textOf(node: SyntaxNode, text: string): string {
  return text.slice(node.from, node.to);
}

/** The children that are expressions themselves, in order; for a call or an aggregation, its arguments. */
export function operands(node: SyntaxNode): SyntaxNode[] {
  const body = node.getChild('FunctionCallBody');
  return children(body ?? node).filter((child) => child.type.is('Expr'));
}

/** Name of the function that a `FunctionCall` calls. */
export function calledFunction(node: SyntaxNode, text: string): string {
  const identifier = node.getChild('FunctionIdentifier');
  return identifier === null ? '' : textOf(identifier, text);
}

const ABSENT = new Set(['absent', 'absent_over_time']);
export function isAbsent(node: SyntaxNode, text: string): boolean {
  return node.name === 'FunctionCall' && ABSENT.has(calledFunction(node, text));
}

const COMPARISONS = new Set(['Eql', 'Neq', 'Gte', 'Gtr', 'Lte', 'Lss']);
export function isComparison(node: SyntaxNode): boolean {
  return node.name === 'BinaryExpr' && children(node).some((child) => COMPARISONS.has(child.name));
}

/**
 * True when the expression has a value whenever its own selectors have one: nothing in it filters. Such an expression on the right
 * of `or` is a default value, and what stands on the left may be missing.
 */
export function isUnfiltered(node: SyntaxNode, text: string): boolean {
  if (isComparison(node) && node.getChild('BoolModifier') === null) return false;
  if (node.getChild('And') !== null || node.getChild('Unless') !== null) return false;
  if (isAbsent(node, text)) return false;
  return operands(node).every((operand) => isUnfiltered(operand, text));
}

interface Place {
  readonly required: boolean;
  readonly reachMs: number;
  readonly range: string;
  readonly offset: string;
}

/** Every vector selector of the expression, in the order of the text. */
export function selectorsOf(expression: Expression): Selector[] {
  const found: Selector[] = [];
  const { text } = expression;
  const visit = (node: SyntaxNode, place: Place): void => {
    if (node.name === 'VectorSelector') {
      found.push({ ...place, text: textOf(node, text), name: selectedName(node, text) });
      return;
    }
    if (UNSUPPORTED.has(node.name)) {
      throw new VerdictError(
        'EXPRESSION_UNSUPPORTED',
        `\`${textOf(node, text)}\` means another moment in a range query: write it without ${UNSUPPORTED.get(node.name)}`,
      );
    }
    const inside = reached(node, text, place);
    if (node.name === 'BinaryExpr') {
      const [left, right] = binaryOperands(node);
      visit(left, {
        ...inside,
        required: inside.required && !(node.getChild('Or') !== null && isUnfiltered(right, text)),
      });
      visit(right, { ...inside, required: inside.required && node.getChild('Unless') === null });
      return;
    }
    const required = inside.required && !isAbsent(node, text);
    for (const operand of operands(node)) visit(operand, { ...inside, required });
  };
  visit(expression.root, { required: true, reachMs: 0, range: '', offset: '' });
  return found;
}

const UNSUPPORTED: ReadonlyMap<string, string> = new Map([
  ['StepInvariantExpr', '`@`'],
  ['AnchoredExpr', '`anchored`'],
  ['SmoothedExpr', '`smoothed`'],
]);

export function binaryOperands(node: SyntaxNode): [SyntaxNode, SyntaxNode] {
  const [left, right] = operands(node);
  if (left === undefined || right === undefined)
    throw new VerdictError('EXPRESSION_INVALID', 'a binary operator without two operands');
  return [left, right];
}

/** How the node widens the reach of what is inside it. */
function reached(node: SyntaxNode, text: string, place: Place): Place {
  if (node.name === 'MatrixSelector' || node.name === 'SubqueryExpr') {
    const range = node.getChild('DurationExpr');
    if (range === null) return place;
    const reachMs = place.reachMs + durationOf(range, text);
    // A subquery asks its inside at many moments, so for the inside the outer range only adds reach.
    return { ...place, reachMs, range: node.name === 'MatrixSelector' ? `[${textOf(range, text)}]` : '' };
  }
  if (node.name === 'OffsetExpr') {
    const offset = node.getChild('OffsetDurationExpr');
    if (offset === null) return place;
    return {
      ...place,
      reachMs: place.reachMs + Math.max(0, durationOf(offset, text)),
      offset: ` offset ${textOf(offset, text)}`,
    };
  }
  return place;
}

function durationOf(node: SyntaxNode, text: string): number {
  const written = textOf(node, text).replaceAll(/\s/g, '');
  const negative = written.startsWith('-');
  const ms = parseDuration(negative ? written.slice(1) : written);
  if (ms === null)
    throw new VerdictError('EXPRESSION_UNSUPPORTED', `\`${written}\` is computed: write the duration out, e.g. 5m`);
  return negative ? -ms : ms;
}

interface NamePart {
  readonly node: SyntaxNode;
  readonly name: string;
  readonly quoted: boolean;
}

function selectedName(selector: SyntaxNode, text: string): string | null {
  return namePart(selector, text)?.name ?? null;
}

/** Where a selector says its metric's name: `name{…}`, `{"name", …}` or `{__name__="name"}`. */
function namePart(selector: SyntaxNode, text: string): NamePart | null {
  const identifier = selector.getChild('Identifier');
  if (identifier !== null) return { node: identifier, name: textOf(identifier, text), quoted: false };
  const matchers = selector.getChild('LabelMatchers');
  if (matchers === null) return null;
  for (const matcher of children(matchers)) {
    const string = matcher.getChild('StringLiteral');
    if (string === null) continue;
    const label = matcher.getChild('LabelName');
    const equals = matcher.getChild('MatchOp')?.getChild('EqlSingle') ?? null;
    const pinned =
      matcher.name === 'QuotedLabelName' || (label !== null && textOf(label, text) === '__name__' && equals !== null);
    if (pinned) return { node: string, name: unquote(textOf(string, text)), quoted: true };
  }
  return null;
}

export interface LabelMatcher {
  readonly label: string;
  /** `=`, `!=`, `=~` or `!~`. */
  readonly operator: string;
  readonly value: string;
  /** As written. */
  readonly text: string;
}

/** Label matchers of a selector, as written; its name, however it is written, is none of them. */
export function labelMatchers(selector: string): LabelMatcher[] {
  const { root, text } = parseExpression(selector);
  const list = root.name === 'VectorSelector' ? root.getChild('LabelMatchers') : null;
  if (root.name !== 'VectorSelector') throw new VerdictError('EXPRESSION_INVALID', `\`${selector}\` is no selector`);
  return (list === null ? [] : children(list)).flatMap((matcher) => {
    const operator = matcher.getChild('MatchOp');
    const value = matcher.getChild('StringLiteral');
    const quoted = matcher.getChild('QuotedLabelName');
    const label = matcher.getChild('LabelName') ?? quoted;
    if (operator === null || value === null || label === null) return [];
    const name = quoted === null ? textOf(label, text) : unquote(textOf(label, text));
    if (name === '__name__') return [];
    return [
      {
        label: name,
        operator: textOf(operator, text),
        value: unescaped(textOf(value, text)),
        text: textOf(matcher, text),
      },
    ];
  });
}

/** The string that a literal stands for. */
function unescaped(literal: string): string {
  if (!literal.includes('\\') || literal.startsWith('`')) return unquote(literal);
  try {
    return JSON.parse(`"${unquote(literal).replaceAll("\\'", "'")}"`) as string;
  } catch {
    return unquote(literal);
  }
}

function unquote(literal: string): string {
  return literal.slice(1, -1);
}

/** The expression with metrics renamed; `rename` answers null for a name that stays. */
export function renameMetrics(expression: Expression, rename: (name: string) => string | null): string {
  let result = '';
  let copied = 0;
  const { text } = expression;
  const visit = (node: SyntaxNode): void => {
    if (node.name !== 'VectorSelector') {
      for (const child of children(node)) visit(child);
      return;
    }
    const part = namePart(node, text);
    const name = part === null ? null : rename(part.name);
    if (part === null || name === null) return;
    result += text.slice(copied, part.node.from) + (part.quoted ? JSON.stringify(name) : name);
    copied = part.node.to;
  };
  visit(expression.root);
  return result + text.slice(copied);
}
