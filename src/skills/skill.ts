/** What a skill is: the definition an author writes. */

/** JSON Schema 2020-12. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown };

export interface SkillExample {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly context?: Readonly<Record<string, unknown>>;
  readonly output: unknown;
  /** Largest relative difference of two floats that counts as equal. Default 1e-9. */
  readonly tolerance?: number;
}

export interface SkillLimits {
  readonly timeoutMs?: number;
  readonly memoryBytesMax?: number;
  readonly outputBytesMax?: number;
  readonly logBytesMax?: number;
}

/** A definition that passed `parseSkillDefinition`: every default is filled in. */
export interface SkillDefinition {
  readonly name: string;
  readonly description: string;
  readonly code: string;
  readonly language: 'javascript' | 'typescript';
  readonly inputSchema?: JsonSchema;
  readonly outputSchema?: JsonSchema;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly tags: readonly string[];
  /** Names of other skills that this one calls. */
  readonly requires: readonly string[];
  readonly examples: readonly SkillExample[];
  readonly pure: boolean | 'auto';
  /** Capability flags the author admits to. */
  readonly capabilities: readonly string[];
  readonly limits: SkillLimits;
}
