/** Whether a module answers with a function that is called, or with a value that its evaluation makes. */
import type { Node } from '@babel/types';
import type { Inspection } from './capabilities.ts';
import { isFunction } from './child-nodes.ts';

export function answersWithFunction(inspection: Inspection): boolean {
  const { bindings } = inspection;
  const program = bindings.nodes[0];
  if (program?.type !== 'Program') return true;
  for (const statement of program.body) {
    if (statement.type === 'ExportDefaultDeclaration')
      return mayBeFunction(inspection, statement.declaration);
  }
  const names = bindings.module.names;
  if (names.has('run') || names.has('main') || !names.has('result')) return true;
  return program.body.some(
    (statement) =>
      (statement.type === 'ExportNamedDeclaration' &&
        statement.declaration?.type === 'FunctionDeclaration') ||
      statement.type === 'TSExportAssignment',
  );
}

function mayBeFunction({ bindings, values }: Inspection, node: Node): boolean {
  switch (node.type) {
    case 'ArrayExpression':
    case 'BinaryExpression':
    case 'TemplateLiteral':
    case 'UnaryExpression':
      return false;
    case 'Identifier': {
      const binding = bindings.resolve(node);
      if (binding === undefined || binding.kind !== 'variable') return true;
      const base = binding.origins[0]?.base;
      return base === undefined || !('type' in base) || isFunction(base) || !isPlain(base);
    }
    default:
      return values.constantOf(node) === undefined;
  }
}

/** An expression that makes data. */
function isPlain(node: Node): boolean {
  return /^(?:ArrayExpression|BinaryExpression|BooleanLiteral|NullLiteral|NumericLiteral|StringLiteral|TemplateLiteral|UnaryExpression)$/.test(
    node.type,
  );
}
