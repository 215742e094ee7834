/** What a module declares at its top level, and how one of its functions is called. */
import type { Node, Statement, VariableDeclarator } from '@babel/types';
import { literalOf, type Literal } from './literals.ts';
import { parseModule, type SourceLanguage } from './parse.ts';

export type Parameter =
  | { readonly kind: 'name'; readonly name: string; readonly default?: Literal }
  | { readonly kind: 'rest'; readonly name: string }
  /** Destructured: it has no name of its own. */
  | { readonly kind: 'pattern' };

export interface ModuleSignature {
  /** Names declared by top-level statements. */
  readonly names: ReadonlySet<string>;
  readonly hasDefaultExport: boolean;
  /** The parameters of the function asked for; absent where the module has no such function. */
  readonly parameters?: readonly Parameter[];
}

/**
 * @throws {SkillSyntaxError} with line and column.
 */
export function moduleSignature(
  code: string,
  functionName: string,
  language: SourceLanguage,
): ModuleSignature {
  const names = new Set<string>();
  let hasDefaultExport = false;
  let parameters: readonly Parameter[] | undefined;
  const declare = (name: string, value: Node | null | undefined): void => {
    names.add(name);
    if (name === functionName && value) parameters = parametersOf(value) ?? parameters;
  };
  for (const statement of parseModule(code, language).program.body) {
    if (statement.type === 'ExportDefaultDeclaration') hasDefaultExport = true;
    const declaration = declarationOf(statement);
    if (declaration?.type === 'VariableDeclaration') {
      for (const { id, init } of declaration.declarations) declare(nameOf(id), init);
    } else if (declaration && 'id' in declaration && declaration.id?.type === 'Identifier') {
      declare(declaration.id.name, declaration);
    }
  }
  names.delete('');
  return { names, hasDefaultExport, ...(parameters && { parameters }) };
}

function declarationOf(statement: Statement): Node | null | undefined {
  const isExport =
    statement.type === 'ExportNamedDeclaration' || statement.type === 'ExportDefaultDeclaration';
  return isExport ? statement.declaration : statement;
}

function nameOf(id: VariableDeclarator['id']): string {
  return id.type === 'Identifier' ? id.name : '';
}

function parametersOf(node: Node): readonly Parameter[] | undefined {
  if (
    node.type !== 'ArrowFunctionExpression' &&
    node.type !== 'FunctionExpression' &&
    node.type !== 'FunctionDeclaration'
  ) {
    return undefined;
  }
  return node.params.map(parameterOf);
}

function parameterOf(node: Node): Parameter {
  if (node.type === 'Identifier') return { kind: 'name', name: node.name };
  if (node.type === 'RestElement' && node.argument.type === 'Identifier') {
    return { kind: 'rest', name: node.argument.name };
  }
  if (node.type !== 'AssignmentPattern' || node.left.type !== 'Identifier') return { kind: 'pattern' };
  const literal = literalOf(node.right, new Map(), 0);
  return { kind: 'name', name: node.left.name, ...(literal && { default: literal }) };
}
