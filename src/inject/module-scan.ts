/** The module-level bindings of a program: which are holes, which are not and why. */
import { placeOf, type SyntaxNode, type SyntaxTree } from '../syntax/parse.ts';
import { isTypeOnly } from '../syntax/type-only.ts';
import { makeHole, type ProgramText } from './hole.ts';
import type { Hole, RefusedTarget, SkillImport, SourceRefusal } from './injection-plan.ts';
import { nestedVars, patternNames, type NamedPlace } from './names.ts';

type NodeOf<T extends SyntaxNode['type']> = Extract<SyntaxNode, { type: T }>;
export type BindingKind = 'function' | 'class' | 'import' | 'variable';

export interface ModuleScan {
  readonly holes: readonly Hole[];
  /** Every module-level value name. */
  readonly bound: ReadonlyMap<string, BindingKind>;
  /** Names of module-level functions; `isCertain` where data cannot take their place. */
  readonly functions: readonly { readonly name: string; readonly isCertain: boolean }[];
  /** Exported name → local name. */
  readonly exported: ReadonlyMap<string, string>;
  readonly imports: readonly SkillImport[];
  /** Imports and re-exports that a template cannot have. */
  readonly foreign: readonly SourceRefusal[];
  refused(): RefusedTarget[];
}

/** Reads the top-level statements; of nested statements only the `var`s they hoist. */
export function scanModule(tree: SyntaxTree, text: ProgramText): ModuleScan {
  const scanner = new Scanner(text);
  for (const statement of tree.program.body) {
    if (!isTypeOnly(statement)) scanner.visit(statement);
  }
  return scanner;
}

class Scanner implements ModuleScan {
  readonly holes: Hole[] = [];
  readonly bound = new Map<string, BindingKind>();
  readonly functions: { name: string; isCertain: boolean }[] = [];
  readonly exported = new Map<string, string>();
  readonly imports: SkillImport[] = [];
  readonly foreign: SourceRefusal[] = [];
  readonly #text: ProgramText;
  readonly #notHoles = new Map<string, RefusedTarget>();

  constructor(text: ProgramText) {
    this.#text = text;
  }

  refused(): RefusedTarget[] {
    const holes = new Set(this.holes.map((hole) => hole.name));
    return [...this.#notHoles.values()].filter(({ name }) => !holes.has(name));
  }

  visit(statement: SyntaxNode): void {
    switch (statement.type) {
      case 'VariableDeclaration':
        return this.#variables(statement);
      case 'FunctionDeclaration':
      case 'ClassDeclaration':
        return this.#functionOrClass(statement);
      case 'ImportDeclaration':
        return this.#import(statement);
      case 'ExportDefaultDeclaration':
        return this.#exportDefault(statement);
      case 'ExportNamedDeclaration':
        return this.#exportNamed(statement);
      case 'ExportAllDeclaration':
        this.foreign.push({ reason: 're-exports from another module', ...startOf(statement) });
        return undefined;
      default:
        for (const found of nestedVars(statement)) {
          this.#refuse(found, 'variable', 'a var inside a nested statement');
        }
        return undefined;
    }
  }

  #variables(declaration: NodeOf<'VariableDeclaration'>): void {
    const { kind } = declaration;
    for (const declarator of declaration.declarations) {
      const { id } = declarator;
      if (kind !== 'const' && kind !== 'let' && kind !== 'var') {
        for (const found of patternNames(id)) this.#refuse(found, 'variable', `a \`${kind}\` declaration`);
      } else if (id.type === 'Identifier') {
        this.#hole(declarator, id, kind);
      } else {
        for (const found of patternNames(id)) this.#refuse(found, 'variable', 'bound by destructuring');
      }
    }
  }

  #hole(
    declarator: NodeOf<'VariableDeclarator'>,
    id: NodeOf<'Identifier'>,
    kind: 'const' | 'let' | 'var',
  ): void {
    // A bare `var n;` repeating an earlier declarator does nothing, with data as without.
    const isRepeated = !declarator.init && this.bound.has(id.name);
    if (!this.bound.has(id.name)) this.bound.set(id.name, 'variable');
    if (isRepeated) return;
    const { hole, isFunction } = makeHole(declarator, id, kind, this.#text);
    this.holes.push(hole);
    if (isFunction) this.functions.push({ name: id.name, isCertain: false });
  }

  #functionOrClass(node: NodeOf<'FunctionDeclaration'> | NodeOf<'ClassDeclaration'>): void {
    if (!node.id) return;
    const found = { name: node.id.name, ...placeOf(node.id.loc!.start) };
    if (node.type === 'ClassDeclaration') return this.#refuse(found, 'class', 'a class');
    this.#refuse(found, 'function', 'a function declaration');
    this.functions.push({ name: found.name, isCertain: true });
  }

  #import(statement: NodeOf<'ImportDeclaration'>): void {
    const from = statement.source.value;
    const isSkill = from.startsWith('skill:');
    let locals = 0;
    for (const specifier of statement.specifiers) {
      if (specifier.type === 'ImportSpecifier' && isTypeKind(specifier.importKind)) continue;
      const found = { name: specifier.local.name, ...placeOf(specifier.local.loc!.start) };
      this.#refuse(found, 'import', 'an import');
      if (isSkill && isDefaultImport(specifier)) {
        this.imports.push({ local: found.name, skill: from.slice('skill:'.length) });
        locals++;
      }
    }
    if (isSkill && locals > 0 && locals === statement.specifiers.length) return;
    const reason = isSkill
      ? `imports other than \`import name from '${from}'\``
      : `the import of ${JSON.stringify(from)} (only 'skill:name' can be imported)`;
    this.foreign.push({ reason, ...startOf(statement) });
  }

  #exportDefault({ declaration }: NodeOf<'ExportDefaultDeclaration'>): void {
    if (declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration') {
      this.#functionOrClass(declaration);
      if (declaration.id) this.exported.set('default', declaration.id.name);
    }
  }

  #exportNamed(statement: NodeOf<'ExportNamedDeclaration'>): void {
    if (statement.source) {
      this.foreign.push({ reason: 're-exports from another module', ...startOf(statement) });
      return;
    }
    if (statement.declaration) this.visit(statement.declaration);
    for (const specifier of statement.specifiers) {
      if (specifier.type !== 'ExportSpecifier' || isTypeKind(specifier.exportKind)) continue;
      this.exported.set(textOf(specifier.exported), specifier.local.name);
    }
  }

  #refuse({ name, line, column }: NamedPlace, kind: BindingKind, reason: string): void {
    if (!this.bound.has(name)) this.bound.set(name, kind);
    if (!this.#notHoles.has(name)) this.#notHoles.set(name, { name, reason, line, column });
  }
}

function isDefaultImport(specifier: NodeOf<'ImportDeclaration'>['specifiers'][number]): boolean {
  if (specifier.type === 'ImportDefaultSpecifier') return true;
  return specifier.type === 'ImportSpecifier' && textOf(specifier.imported) === 'default';
}

function isTypeKind(kind: string | null | undefined): boolean {
  return kind === 'type' || kind === 'typeof';
}

function textOf(name: NodeOf<'Identifier'> | NodeOf<'StringLiteral'>): string {
  return name.type === 'Identifier' ? name.name : name.value;
}

function startOf(node: SyntaxNode): { line: number; column: number } {
  return placeOf(node.loc!.start);
}
