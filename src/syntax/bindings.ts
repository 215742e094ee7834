/** One walk over a syntax tree: which name is which binding, and where values come from. */
import type { File, Identifier, ImportDeclaration, Node, VariableDeclaration } from '@babel/types';
import { AnalysisBudget } from './analysis-budget.ts';
import { forEachChild, isFunction, type FunctionNode } from './child-nodes.ts';
import { eachTarget, elementsOf, HOLLOW, origin, type Origin, type PatternRead } from './patterns.ts';
import { childScope, functionScope, type Binding, type NameWrite, type Scope } from './scopes.ts';
import { declaresOnly } from './type-only.ts';

/** Methods that call a function argument at once: it belongs to the code around it. */
const CALLS_AT_ONCE = new Set(
  'forEach map filter reduce reduceRight some every find findIndex findLast findLastIndex flatMap sort from replace replaceAll'.split(
    ' ',
  ),
);

export class Bindings {
  /** Every node that is code; a node comes after its parent. */
  readonly nodes: Node[] = [];
  readonly module: Scope = { parent: undefined, names: new Map(), owner: undefined, runsOnce: true };
  readonly references: Identifier[] = [];
  readonly writes: NameWrite[] = [];
  readonly patternReads: PatternRead[] = [];
  readonly imports: ImportDeclaration[] = [];
  /** Members that are assigned to, counted up or down, or set by a loop. */
  readonly memberWrites = new Set<Node>();
  readonly #budget = new AnalysisBudget();
  readonly #parents = new Map<Node, Node>();
  readonly #scopes = new Map<Node, Scope>();
  /** Names that are declared or assigned where they stand, not read. */
  readonly #targets = new Set<Node>();
  /** What a loop's variable goes through. */
  readonly loopsOver = new Map<Binding, Node>();
  readonly #readers = new Map<Binding, Identifier[]>();
  /** Arguments of a function literal that is called where it stands. */
  readonly #arguments = new Map<Node, readonly Node[]>();

  constructor(file: File) {
    const nodes: Node[] = [file.program];
    const scopes: Scope[] = [this.module];
    for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
      const scope = this.#enter(node, scopes.pop() as Scope);
      this.nodes.push(node);
      if (declaresOnly(node)) continue;
      forEachChild(node, (child) => {
        this.#parents.set(child, node);
        nodes.push(child);
        scopes.push(scope);
      });
    }
    for (const write of this.writes) this.resolve(write.node)?.writes.push(write);
  }

  /** Counts work beyond once for each node. */
  spend(steps: number): void {
    this.#budget.spend(steps);
  }

  parentOf(node: Node): Node | undefined {
    return this.#parents.get(node);
  }

  /** True for a member that is assigned to or deleted. */
  isWritten(node: Node): boolean {
    return this.memberWrites.has(node);
  }

  /** The scope of an identifier, a `this` or a function. */
  scopeOf(node: Node): Scope {
    return this.#scopes.get(node) ?? this.module;
  }

  /** The binding a name refers to; undefined when it is free. */
  resolve(name: Identifier): Binding | undefined {
    for (let scope = this.#scopes.get(name); scope !== undefined; scope = scope.parent) {
      this.#budget.spend(1);
      const binding = scope.names.get(name.name);
      if (binding !== undefined) return binding;
    }
    return undefined;
  }

  /** Where a binding is read. */
  referencesTo(binding: Binding): readonly Identifier[] {
    if (this.#readers.size === 0) {
      for (const name of this.references) {
        const read = this.resolve(name);
        if (read === undefined) continue;
        const readers = this.#readers.get(read);
        if (readers) readers.push(name);
        else this.#readers.set(read, [name]);
      }
    }
    return this.#readers.get(binding) ?? [];
  }

  /** Declares what `node` declares and returns the scope of its children. */
  #enter(node: Node, scope: Scope): Scope {
    switch (node.type) {
      case 'Identifier':
        this.#scopes.set(node, scope);
        if (!this.#targets.has(node)) this.references.push(node);
        return scope;
      case 'ThisExpression':
        this.#scopes.set(node, scope);
        return scope;
      case 'VariableDeclaration':
        this.#declareVariables(node, scope);
        return scope;
      case 'ImportDeclaration':
        this.#declareImports(node, scope);
        return scope;
      case 'AssignmentExpression':
        this.#assign(node.left, node.operator === '=' ? origin(node.right) : HOLLOW, scope);
        if (node.operator.length > 1 && node.left.type === 'Identifier') this.references.push(node.left);
        return scope;
      case 'UnaryExpression':
        if (node.operator === 'delete') this.#assign(node.argument, HOLLOW, scope);
        return scope;
      case 'UpdateExpression':
        this.#assign(node.argument, HOLLOW, scope);
        if (node.argument.type === 'Identifier') this.references.push(node.argument);
        return scope;
      case 'ForInStatement':
      case 'ForOfStatement':
        if (node.left.type !== 'VariableDeclaration') this.#assign(node.left, HOLLOW, scope);
        return childScope(scope);
      case 'ForStatement':
      case 'BlockStatement':
      case 'SwitchStatement':
        return childScope(scope);
      case 'TSModuleDeclaration':
        if (node.id.type === 'Identifier') this.#declare(node.id, 'variable', scope, HOLLOW);
        return childScope(scope);
      case 'StaticBlock':
        return childScope(scope, node, scope.runsOnce);
      case 'CatchClause': {
        const inner = childScope(scope);
        if (node.param) this.#pattern(node.param, 'variable', inner, HOLLOW);
        return inner;
      }
      case 'CallExpression':
        if (isFunction(node.callee)) this.#arguments.set(node.callee, node.arguments);
        return scope;
      case 'TSEnumDeclaration':
        this.#declare(node.id, 'variable', scope, HOLLOW);
        return scope;
      case 'TSImportEqualsDeclaration':
        if (node.moduleReference.type === 'TSExternalModuleReference' && node.importKind !== 'type') {
          const module = node.moduleReference.expression.value;
          this.#declare(node.id, 'import', scope, { ...HOLLOW, base: { module } });
        }
        return scope;
      case 'ClassDeclaration':
        if (node.id) this.#declare(node.id, 'class', scope, HOLLOW);
        return scope;
      case 'ClassExpression': {
        if (!node.id) return scope;
        const inner = childScope(scope);
        this.#declare(node.id, 'class', inner, HOLLOW);
        return inner;
      }
      default:
        return isFunction(node) ? this.#enterFunction(node, scope) : scope;
    }
  }

  #enterFunction(node: FunctionNode, scope: Scope): Scope {
    if (node.type === 'FunctionDeclaration' && node.id) {
      this.#declare(node.id, 'function', scope, origin(node));
    }
    const inner = childScope(scope, node, scope.runsOnce && this.#runsWhereItStands(node));
    this.#scopes.set(node, inner);
    if (node.type === 'FunctionExpression' && node.id) {
      this.#declare(node.id, 'function', inner, origin(node));
    }
    const given = this.#arguments.get(node);
    const spread = given?.findIndex((each) => each.type === 'SpreadElement') ?? 0;
    const plain = spread < 0 ? node.params.length : spread;
    node.params.forEach((param, index) => {
      const target = param.type === 'TSParameterProperty' ? param.parameter : param;
      const argument = index < plain;
      this.#pattern(target, 'parameter', inner, argument ? origin(given?.[index]) : HOLLOW);
    });
    return inner;
  }

  #runsWhereItStands(node: FunctionNode): boolean {
    if (this.#arguments.has(node)) return true;
    const call = this.#parents.get(node);
    if (call?.type !== 'CallExpression' || call.callee === node) return false;
    const { callee } = call;
    return (
      callee.type === 'MemberExpression' &&
      callee.property.type === 'Identifier' &&
      CALLS_AT_ONCE.has(callee.property.name)
    );
  }

  #declareVariables(node: VariableDeclaration, scope: Scope): void {
    if (node.declare === true) return;
    const target = node.kind === 'var' ? functionScope(scope) : scope;
    const parent = this.#parents.get(node);
    const isLoopHead =
      (parent?.type === 'ForInStatement' || parent?.type === 'ForOfStatement') && parent.left === node;
    for (const { id, init } of node.declarations) {
      if (id.type === 'VoidPattern') continue;
      const from = init ? origin(init) : HOLLOW;
      if (isLoopHead && parent.type === 'ForOfStatement') {
        for (const element of elementsOf(parent.right)) {
          this.#pattern(id, 'variable', target, { base: element, steps: [], isDefault: true });
        }
      }
      // A bare `let x;` has no value of its own: the one assignment to it is its value.
      if (!init && !isLoopHead && id.type === 'Identifier') {
        this.#targets.add(id);
        this.#declare(id, 'variable', target, undefined);
      } else this.#pattern(id, 'variable', target, from);
      const bound = isLoopHead && id.type === 'Identifier' ? target.names.get(id.name) : undefined;
      if (bound !== undefined && parent?.type === 'ForOfStatement') this.loopsOver.set(bound, parent.right);
    }
  }

  #declareImports(node: ImportDeclaration, scope: Scope): void {
    if (node.importKind === 'type') return;
    this.imports.push(node);
    const base = { module: node.source.value };
    for (const specifier of node.specifiers) {
      if (specifier.type === 'ImportSpecifier') {
        if (specifier.importKind === 'type') continue;
        const { imported } = specifier;
        const steps = [imported.type === 'Identifier' ? imported.name : imported.value];
        const from = { base, steps, isDefault: false };
        this.#declare(specifier.local, 'import', scope, from);
        this.patternReads.push({ node: specifier, origin: from });
      } else {
        this.#declare(specifier.local, 'import', scope, { base, steps: [], isDefault: false });
      }
    }
  }

  #declare(id: Identifier, kind: Binding['kind'], scope: Scope, from: Origin | undefined): void {
    let binding = scope.names.get(id.name);
    if (binding === undefined) {
      const annotation = id.typeAnnotation;
      const isNumber =
        annotation?.type === 'TSTypeAnnotation' && annotation.typeAnnotation.type === 'TSNumberKeyword';
      binding = { name: id.name, kind, scope, origins: [], writes: [], isNumber };
      scope.names.set(id.name, binding);
    }
    if (from !== undefined) binding.origins.push(from);
  }

  /** Declares the names of a pattern, each with the way its value is taken out of `from`. */
  #pattern(node: Node, kind: Binding['kind'], scope: Scope, from: Origin): void {
    eachTarget(node, from, this, (target, at) => {
      if (target.type !== 'Identifier') return;
      this.#targets.add(target);
      this.#declare(target, kind, scope, at);
    });
  }

  /** Records assignments to plain names; `from` is what they get. */
  #assign(node: Node, from: Origin, scope: Scope): void {
    eachTarget(node, from, this, (target, at) => {
      if (target.type === 'Identifier') {
        this.#targets.add(target);
        this.writes.push({ node: target, scope, origin: at });
      } else {
        this.memberWrites.add(target);
      }
    });
  }
}
