/** What a module may contain and a template may not: it is a classic script, cut off from files. */
import { operatorPlaces, placeOf, type SyntaxNode, type SyntaxTree } from '../syntax/parse.ts';
import { nodesOf } from '../syntax/nodes.ts';
import type { SourceRefusal } from './injection-plan.ts';
import type { ModuleScan } from './module-scan.ts';

/** The first such thing in `source`, by its place. */
export function findRefusal(tree: SyntaxTree, source: string, scan: ModuleScan): SourceRefusal | undefined {
  const found = [...scan.foreign];
  // The word must stand somewhere for the thing to be there; the tree is walked only then.
  const imports = source.split('import').length - 1;
  const declared = tree.program.body.filter(({ type }) => type === 'ImportDeclaration').length;
  if (imports > declared || source.includes('\\u')) for (const one of dynamicImports(tree)) found.push(one);
  if (source.includes('<!--')) for (const one of htmlComments(source)) found.push(one);
  return found.sort((a, b) => a.line - b.line || a.column - b.column)[0];
}

function dynamicImports(tree: SyntaxTree): SourceRefusal[] {
  const found: SourceRefusal[] = [];
  for (const node of nodesOf(tree.program)) {
    const reason = importReason(node);
    if (reason) found.push({ reason, ...placeOf(node.loc!.start) });
  }
  return found;
}

function importReason(node: SyntaxNode): string | undefined {
  if (node.type === 'ImportExpression') return '`import()`';
  if (node.type === 'MetaProperty' && node.meta.name === 'import') return '`import.meta`';
  return undefined;
}

/** In a classic script, `a<!--b` is `a` and a comment. (`-->` at the start of a line is no module.) */
function htmlComments(source: string): SourceRefusal[] {
  const reason = '`<!--`, which opens a comment in a script,';
  return operatorPlaces(source, '<!--').map(({ line, column }) => ({ reason, line, column }));
}
