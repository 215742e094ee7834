/** Names bound by patterns, and by `var`s inside nested statements. */
import { placeOf, type SyntaxNode } from '../syntax/parse.ts';

export interface NamedPlace {
  readonly name: string;
  readonly line: number;
  readonly column: number;
}

/** Every name that a binding pattern declares, in source order. */
export function patternNames(pattern: SyntaxNode): NamedPlace[] {
  const found: NamedPlace[] = [];
  const stack: (SyntaxNode | null)[] = [pattern];
  while (stack.length > 0) {
    const node = stack.pop();
    if (!node) continue;
    switch (node.type) {
      case 'Identifier':
        found.push({ name: node.name, ...placeOf(node.loc!.start) });
        break;
      case 'ArrayPattern':
        for (const element of node.elements.toReversed()) stack.push(element);
        break;
      case 'ObjectPattern':
        for (const property of node.properties.toReversed()) stack.push(property);
        break;
      case 'ObjectProperty':
        stack.push(node.value);
        break;
      case 'AssignmentPattern':
        stack.push(node.left);
        break;
      case 'RestElement':
        stack.push(node.argument);
        break;
      default:
        break;
    }
  }
  return found;
}

/** The `var`s that a statement hoists to the module; functions and expressions hoist none. */
export function nestedVars(statement: SyntaxNode): NamedPlace[] {
  const found: NamedPlace[] = [];
  const stack: (SyntaxNode | null | undefined)[] = [statement];
  while (stack.length > 0) {
    const node = stack.pop();
    if (!node) continue;
    if (node.type === 'VariableDeclaration') {
      if (node.kind !== 'var') continue;
      for (const declarator of node.declarations) {
        for (const name of patternNames(declarator.id)) found.push(name);
      }
    } else {
      for (const child of childStatements(node).toReversed()) stack.push(child);
    }
  }
  return found;
}

function childStatements(node: SyntaxNode): (SyntaxNode | null | undefined)[] {
  switch (node.type) {
    case 'BlockStatement':
      return [...node.body];
    case 'IfStatement':
      return [node.consequent, node.alternate];
    case 'ForStatement':
      return [node.init, node.body];
    case 'ForInStatement':
    case 'ForOfStatement':
      return [node.left, node.body];
    case 'WhileStatement':
    case 'DoWhileStatement':
    case 'LabeledStatement':
      return [node.body];
    case 'TryStatement':
      return [node.block, node.handler?.body, node.finalizer];
    case 'SwitchStatement':
      return node.cases.flatMap((clause) => clause.consequent);
    default:
      return [];
  }
}
