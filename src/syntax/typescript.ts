/**
 * TypeScript → JavaScript by blanking: every offset, line and column stays. Where a removed piece
 * would join two statements, a `;` takes its first place.
 */
import type { ArrowFunctionExpression, Class, File, Function as FunctionNode, Node } from '@babel/types';
import { BlankedText } from './blanked-text.ts';
import { InjectionError } from '../errors.ts';
import { nodesOf } from './nodes.ts';
import { placeOf } from './parse.ts';
import { endOfName, skipTrivia } from './source-text.ts';
import { isErasedMember, isTypeKind, isTypeOnly, needsTransform, typeNames } from './type-only.ts';

const MODIFIERS = new Set(['public', 'private', 'protected', 'readonly', 'override', 'abstract', 'declare']);
/** A field of such a name, its type gone, would turn the next line's method into an accessor. */
const CONTEXTUAL_FIELDS = new Set(['get', 'set', 'static', 'async', 'accessor']);

/**
 * `code`, parsed as `file`, with its types blanked.
 * @throws {InjectionError} `UNSUPPORTED_SYNTAX` with the place, for what has a meaning at run time
 * (enums, namespaces with values, parameter properties, decorators, `import =`, `export =`).
 */
export function eraseTypes(code: string, file: File): string {
  const eraser = new Eraser(code, typeNames(file));
  for (const node of nodesOf(file.program, isErased)) eraser.visit(node);
  return eraser.text();
}

/** Whether a node goes whole, so that nothing inside it is looked at. */
function isErased(node: Node): boolean {
  return isTypeOnly(node) || isErasedMember(node) || (node.type.startsWith('TS') && !isWrapper(node));
}

type Wrapper = Extract<
  Node,
  { type: `TS${'As' | 'Satisfies' | 'NonNull' | 'Instantiation'}Expression` | 'TSTypeAssertion' }
>;

function isWrapper(node: Node): node is Wrapper {
  return (
    node.type === 'TSAsExpression' ||
    node.type === 'TSSatisfiesExpression' ||
    node.type === 'TSNonNullExpression' ||
    node.type === 'TSInstantiationExpression' ||
    node.type === 'TSTypeAssertion'
  );
}

type Field = Extract<Node, { type: 'ClassProperty' | 'ClassPrivateProperty' }>;

class Eraser {
  readonly #code: string;
  readonly #text: BlankedText;

  /** Names that only types have: exporting one exports nothing. */
  readonly #typeNames: ReadonlySet<string>;

  constructor(code: string, typeNames: ReadonlySet<string>) {
    this.#code = code;
    this.#typeNames = typeNames;
    this.#text = new BlankedText(code);
  }

  text(): string {
    return this.#text.finish();
  }

  visit(node: Node): void {
    if (isTypeOnly(node)) return this.#text.blankStatement(node.start!, node.end!);
    if (isErasedMember(node)) return this.#text.blankMember(node.start!, node.end!);
    const reason = needsTransform(node);
    if (reason) throw unsupported(reason, placeOf(node.loc!.start));
    if (isWrapper(node)) return this.#wrapper(node);
    if (node.type.startsWith('TS')) return this.#text.blank(node.start!, node.end!);
    return this.#plain(node);
  }

  /** A JavaScript node: the TypeScript marks on it that are no nodes. */
  #plain(node: Node): void {
    switch (node.type) {
      case 'Identifier':
        if (node.optional) this.#mark(endOfName(this.#code, node.start!), '?');
        break;
      case 'VariableDeclarator':
        if (node.definite) this.#mark(endOfName(this.#code, node.id.start!), '!');
        break;
      case 'ImportSpecifier':
        if (isTypeKind(node.importKind)) this.#listItem(node);
        break;
      case 'ExportSpecifier':
        if (isTypeKind(node.exportKind) || this.#typeNames.has(node.local.name)) this.#listItem(node);
        break;
      case 'ClassDeclaration':
      case 'ClassExpression':
        this.#class(node);
        break;
      case 'ClassProperty':
      case 'ClassPrivateProperty':
        this.#member(node);
        this.#field(node);
        break;
      case 'ClassMethod':
      case 'ClassPrivateMethod':
        this.#member(node);
        this.#thisParameter(node);
        break;
      case 'FunctionDeclaration':
      case 'FunctionExpression':
      case 'ObjectMethod':
        this.#thisParameter(node);
        break;
      case 'ArrowFunctionExpression':
        this.#arrow(node);
        break;
      default:
        this.#statement(node);
        break;
    }
  }

  /** Notes where statements end and begin, for the semicolons and refusals that blanking may call for. */
  #statement(node: Node): void {
    switch (node.type) {
      case 'ForStatement':
        if (node.init) this.#text.isHead(node.init.end!);
        break;
      case 'ForInStatement':
      case 'ForOfStatement':
        this.#text.isHead(node.left.end!);
        break;
      case 'ExpressionStatement':
        this.#text.endsStatement(node.end!);
        this.#text.begins(node.start!, /^(?:\{|function\b|class\b|async\s+function\b)/);
        break;
      case 'ExportDefaultDeclaration':
        this.#text.endsStatement(node.end!);
        this.#text.begins(node.declaration.start!, /^(?:function\b|class\b|async\s+function\b)/);
        break;
      case 'ReturnStatement':
      case 'ThrowStatement':
      case 'YieldExpression':
        if (node.type !== 'YieldExpression') this.#text.endsStatement(node.end!);
        if (node.argument) this.#text.follows(endOfName(this.#code, node.start!));
        break;
      case 'VariableDeclaration':
        this.#text.endsStatement(node.end!);
        break;
      default:
        break;
    }
  }

  #wrapper(node: Wrapper): void {
    const { expression } = node;
    if (node.type === 'TSTypeAssertion') {
      const close = skipTrivia(this.#code, node.typeAnnotation.end!);
      this.#text.blank(node.start!, close + 1);
    } else if (node.type === 'TSNonNullExpression') {
      this.#text.blank(node.end! - 1, node.end!);
    } else if (node.type !== 'TSInstantiationExpression') {
      this.#text.blank(this.#behindParentheses(expression.end!), node.end!);
    }
  }

  /** The next token that does not close a parenthesis. */
  #behindParentheses(from: number): number {
    let at = skipTrivia(this.#code, from);
    while (this.#code[at] === ')' || this.#code[at] === ']') at = skipTrivia(this.#code, at + 1);
    return at;
  }

  #mark(from: number, mark: '?' | '!'): void {
    const at = this.#behindParentheses(from);
    if (this.#code[at] === mark) this.#text.blank(at, at + 1);
  }

  /** A list's item and the comma behind it. */
  #listItem(node: Node): void {
    const next = skipTrivia(this.#code, node.end!);
    this.#text.blank(node.start!, node.end!);
    if (this.#code[next] === ',') this.#text.blank(next, next + 1);
  }

  #thisParameter(node: FunctionNode): void {
    const [first] = node.params;
    if (first?.type === 'Identifier' && first.name === 'this') this.#listItem(first);
  }

  #class(node: Class): void {
    if (node.type === 'ClassDeclaration' && node.abstract) {
      this.#text.blank(node.start!, node.start! + 'abstract'.length);
    }
    const last = node.implements?.at(-1);
    if (!last) return;
    const before = node.superTypeParameters ?? node.superClass ?? node.typeParameters ?? node.id;
    const from = before?.end ?? node.start! + 'class'.length;
    this.#text.blank(this.#behindParentheses(from), last.end!);
  }

  #member(node: Field | Extract<Node, { type: 'ClassMethod' | 'ClassPrivateMethod' }>): void {
    const { start, key } = node;
    let at = start!;
    while (at < key.start!) {
      const end = endOfName(this.#code, at);
      if (end === at) break;
      if (MODIFIERS.has(this.#code.slice(at, end))) {
        if (at === start) this.#text.blankMember(at, end);
        else this.#text.blank(at, end);
      }
      at = skipTrivia(this.#code, end);
    }
    if (node.optional) this.#mark(key.end!, '?');
  }

  #field(node: Field): void {
    if (node.definite) this.#mark(node.key.end!, '!');
    if (node.value) return this.#text.endsField(node.end!);
    const { key, typeAnnotation } = node;
    const isContextual = key.type === 'Identifier' && CONTEXTUAL_FIELDS.has(key.name);
    if (typeAnnotation && isContextual) this.#text.put(typeAnnotation.start!, ';');
    return undefined;
  }

  /** No line may end between `async`, the parameters and `=>`: a parenthesis moves instead. */
  #arrow(node: ArrowFunctionExpression): void {
    const { typeParameters, returnType, body } = node;
    if (body.type !== 'BlockStatement') this.#text.begins(body.start!, /^\{/);
    if (typeParameters) {
      const open = skipTrivia(this.#code, typeParameters.end!);
      if (this.#text.spansLines(typeParameters.start!, open)) {
        this.#text.put(typeParameters.start!, '(');
        this.#text.blank(open, open + 1);
      }
    }
    if (!returnType) return;
    const close = this.#closeOfParameters(node);
    if (this.#text.spansLines(close, returnType.end!)) {
      this.#text.blank(close, close + 1);
      this.#text.put(returnType.end! - 1, ')');
    }
  }

  #closeOfParameters({ params, typeParameters, async, start }: ArrowFunctionExpression): number {
    const last = params.at(-1);
    if (last) {
      const next = skipTrivia(this.#code, last.end!);
      return this.#code[next] === ',' ? skipTrivia(this.#code, next + 1) : next;
    }
    const from = typeParameters?.end ?? start! + (async ? 'async'.length : 0);
    const open = skipTrivia(this.#code, from);
    return skipTrivia(this.#code, open + 1);
  }
}

function unsupported(what: string, place: { line: number; column: number }): InjectionError {
  const message = `${what} at line ${place.line}, column ${place.column} cannot be erased: it has a meaning at run time`;
  return new InjectionError('UNSUPPORTED_SYNTAX', message, { details: { ...place } });
}
