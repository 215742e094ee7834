/** Which statements and class members are types alone, and which TypeScript syntax has a meaning at run time. */
import type { File, ImportDeclaration, Node, Statement } from '@babel/types';

/** Whether nothing of a statement is left when its types are erased. */
export function isTypeOnly(node: Node): boolean {
  if ('declare' in node && node.declare === true) return true;
  switch (node.type) {
    case 'TSInterfaceDeclaration':
    case 'TSTypeAliasDeclaration':
    case 'TSDeclareFunction':
    case 'TSNamespaceExportDeclaration':
      return true;
    case 'TSImportEqualsDeclaration':
      return isTypeKind(node.importKind);
    case 'ImportDeclaration':
      return isTypeKind(node.importKind) || importsTypesOnly(node);
    case 'ExportAllDeclaration':
      return isTypeKind(node.exportKind);
    case 'ExportNamedDeclaration':
      return isTypeKind(node.exportKind) || (node.declaration ? isTypeOnly(node.declaration) : false);
    case 'ExportDefaultDeclaration':
      return isTypeOnly(node.declaration);
    case 'TSModuleDeclaration':
      return namespaceBody(node.body).every((statement) => isTypeOnly(statement));
    default:
      return false;
  }
}

function importsTypesOnly({ specifiers }: ImportDeclaration): boolean {
  const isType = (specifier: (typeof specifiers)[number]): boolean =>
    specifier.type === 'ImportSpecifier' && isTypeKind(specifier.importKind);
  return specifiers.length > 0 && specifiers.every((specifier) => isType(specifier));
}

/** Whether a class member is erased whole. */
export function isErasedMember(node: Node): boolean {
  if (node.type === 'TSDeclareMethod' || node.type === 'TSIndexSignature') return true;
  return node.type === 'ClassProperty' && (node.declare === true || node.abstract === true);
}

/** What of TypeScript cannot be erased, in words; undefined for everything else. */
export function needsTransform(node: Node): string | undefined {
  switch (node.type) {
    case 'TSEnumDeclaration':
      return 'an enum';
    case 'TSModuleDeclaration':
      return 'a namespace with values';
    case 'TSParameterProperty':
      return 'a parameter property';
    case 'TSImportEqualsDeclaration':
      return '`import =`';
    case 'TSExportAssignment':
      return '`export =`';
    case 'Decorator':
      return 'a decorator';
    default:
      return undefined;
  }
}

/** The module-level names that stand for types and for no value. */
export function typeNames(file: File): Set<string> {
  const types = new Set<string>();
  const values = new Set<string>();
  for (const statement of file.program.body) {
    const node =
      statement.type === 'ExportNamedDeclaration' ? (statement.declaration ?? statement) : statement;
    if (node.type === 'ImportDeclaration') {
      for (const specifier of node.specifiers) {
        const isType =
          isTypeKind(node.importKind) ||
          (specifier.type === 'ImportSpecifier' && isTypeKind(specifier.importKind));
        (isType ? types : values).add(specifier.local.name);
      }
    } else if (node.type === 'TSInterfaceDeclaration' || node.type === 'TSTypeAliasDeclaration') {
      types.add(node.id.name);
    } else if (node.type === 'VariableDeclaration' && !node.declare) {
      for (const { id } of node.declarations) if (id.type === 'Identifier') values.add(id.name);
    } else if (node.type === 'FunctionDeclaration' || (node.type === 'ClassDeclaration' && !node.declare)) {
      if (node.id) values.add(node.id.name);
    }
  }
  return new Set([...types].filter((name) => !values.has(name)));
}

export function isTypeKind(kind: string | null | undefined): boolean {
  return kind === 'type' || kind === 'typeof';
}

function namespaceBody(body: Node): readonly Statement[] {
  if (body.type === 'TSModuleBlock') return body.body;
  return body.type === 'TSModuleDeclaration' ? namespaceBody(body.body) : [];
}

/** True where a subtree only declares types, or names of another module. */
export function declaresOnly(node: Node): boolean {
  if ('declare' in node && node.declare === true) return true;
  return node.type === 'ExportNamedDeclaration' && (Boolean(node.source) || node.exportKind === 'type');
}
