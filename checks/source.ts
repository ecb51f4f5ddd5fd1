import { type Module, parseSync } from '@swc/core';

export interface Import {
  /** As written: `./log.ts`, `node:fs`, `prom-client`. */
  readonly specifier: string;
  /** Types only: erased before it runs. */
  readonly typeOnly: boolean;
}

/** What a TypeScript file imports and which of the watched things it uses. */
export interface SourceFacts {
  readonly imports: readonly Import[];
  /** `Date.now`, `new Date()`, `Date()`, `async`, and every free-standing name such as `setTimeout` or `process`. */
  readonly uses: ReadonlySet<string>;
}

/** Only the fields that are read here of swc's syntax tree. */
interface Node {
  readonly type?: string;
  readonly [field: string]: unknown;
}

/** Reads a file's syntax tree, so that strings, comments and property names are never mistaken for code. */
export function readFacts(source: string): SourceFacts {
  const imports: Import[] = [];
  const uses = new Set<string>();
  walk(parseSync(source, { syntax: 'typescript', target: 'esnext' }) satisfies Module as unknown as Node, (node) => {
    const found = importOf(node);
    if (found) imports.push(found);
    const use = useOf(node);
    if (use) uses.add(use);
  });
  return { imports, uses };
}

function walk(value: unknown, visit: (node: Node) => void): void {
  if (Array.isArray(value)) for (const item of value) walk(item, visit);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const node = value as Node;
  visit(node);
  for (const [field, child] of Object.entries(node)) {
    const isName = (child as Node | null)?.type === 'Identifier' && (field === 'property' || field === 'key');
    if (!isName) walk(child, visit);
  }
}

function importOf(node: Node): Import | undefined {
  const specifier = (node.source as Node | undefined)?.value;
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration': {
      if (typeof specifier !== 'string') return undefined;
      const parts = node.specifiers as readonly Node[];
      const typeOnly = node.typeOnly === true || (parts.length > 0 && parts.every((part) => part.isTypeOnly === true));
      return { specifier, typeOnly };
    }
    case 'ExportAllDeclaration':
      return typeof specifier === 'string' ? { specifier, typeOnly: node.typeOnly === true } : undefined;
    case 'CallExpression': {
      if ((node.callee as Node).type !== 'Import') return undefined;
      const target = (node.arguments as readonly Node[])[0]?.expression as Node | undefined;
      return typeof target?.value === 'string' ? { specifier: target.value, typeOnly: false } : undefined;
    }
    case 'TsImportType':
      return { specifier: String((node.argument as Node).value), typeOnly: true };
    default:
      return undefined;
  }
}

function useOf(node: Node): string | undefined {
  switch (node.type) {
    case 'Identifier':
      return String(node.value);
    case 'MemberExpression': {
      const { object, property } = node as { object: Node; property: Node };
      return object.type === 'Identifier' && property.type === 'Identifier'
        ? `${object.value}.${property.value}`
        : undefined;
    }
    case 'NewExpression':
    case 'CallExpression': {
      const callee = node.callee as Node;
      const isDate = callee.type === 'Identifier' && callee.value === 'Date';
      if (!isDate) return undefined;
      if (node.type === 'CallExpression') return 'Date()';
      return (node.arguments as readonly Node[] | undefined)?.length ? undefined : 'new Date()';
    }
    case 'AwaitExpression':
      return 'async';
    default:
      return node.async === true || node.isAwait === true ? 'async' : undefined;
  }
}
