/**
 * The injection plan: what a source offers to runtime data, as JSON, stored with its version.
 * Offsets count UTF-16 units in `source`, the JavaScript text that runs (for TypeScript: the
 * code with its types blanked, which keeps every offset, line and column).
 */

export type SourceLanguage = 'javascript' | 'typescript';

/** A module-level `const|let|var` declarator that data of the same name replaces. */
export interface Hole {
  readonly name: string;
  readonly kind: 'const' | 'let' | 'var';
  /** The range of the initialiser; empty (`start === end`) behind a bare declarator. */
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly column: number;
  /** The initialiser's own text, cut at 200 characters; absent for a bare declarator. */
  readonly defaultText?: string;
  /** The initialiser's value where it is a JSON literal. */
  readonly defaultValue?: { readonly json: unknown };
  /** The TypeScript annotation's text, if any. */
  readonly typeText?: string;
  /** An anonymous function or class: its default must be evaluated so that it gets this name. */
  readonly isNamedEvaluation?: true;
  /** The next line would continue a value put here (`let n⏎[1].map(f)`): a `;` goes behind it. */
  readonly needsSemicolon?: true;
}

/** A bound name that looks injectable and is not; data of that name gives `UNSUPPORTED_TARGET`. */
export interface RefusedTarget {
  readonly name: string;
  readonly reason: string;
  readonly line: number;
  readonly column: number;
}

/** Where an answer may come from, in the order of the contract. */
export type AnswerSource =
  /** `name` where the default export is a module-level name; else it is caught in `names.answer`. */
  | { readonly kind: 'default'; readonly name?: string }
  | { readonly kind: 'function'; readonly name: string }
  | { readonly kind: 'binding'; readonly name: string }
  | { readonly kind: 'expression'; readonly start: number; readonly end: number };

/** `import local from 'skill:name'`. */
export interface SkillImport {
  readonly local: string;
  readonly skill: string;
}

export interface InjectionPlan {
  readonly format: 1;
  readonly language: SourceLanguage;
  readonly holes: readonly Hole[];
  readonly refused: readonly RefusedTarget[];
  readonly answers: readonly AnswerSource[];
  readonly imports: readonly SkillImport[];
  readonly hasTopLevelAwait: boolean;
  /** Every module-level name: what the literal emitter must not rely on. */
  readonly boundNames: readonly string[];
  /** Text edits that turn the module into a classic script body (exports and imports taken out). */
  readonly edits: readonly TextEdit[];
  /** Names that occur nowhere in the code, for the template's own use. */
  readonly names: { readonly scope: string; readonly answer: string };
  /** Why no template can be built, though text can be injected: an import, `import()`, … */
  readonly templateRefusal?: SourceRefusal;
}

/** `[start, end)` of the source becomes `text`. Edits are sorted and never overlap. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export interface SourceRefusal {
  readonly reason: string;
  readonly line: number;
  readonly column: number;
}
