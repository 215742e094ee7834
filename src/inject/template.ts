/**
 * A template is the constant text V8 compiles for a version. Its completion value is a function
 * that the realm calls with a `TemplateScope`; holes are read from it by value.
 */
export interface Template {
  /** Shown in stacks, for example `skill:moving-average@3`. */
  readonly fileName: string;
  /** A classic script; line 1 is the harness's, the skill's own line n is line n + 1. */
  readonly source: string;
  /** Hole names by index. */
  readonly holes: readonly string[];
  /** Local names by which required skills are called. */
  readonly links: readonly string[];
  /** Where inserted text moved columns: behind `column` of `line` (both the skill's own), by `shift`. */
  readonly shifts: readonly { readonly line: number; readonly column: number; readonly shift: number }[];
}
