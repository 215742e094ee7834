/** What is worked out once, when a version is added, and stored with it. */
import type { InjectionPlan } from '../inject/injection-plan.ts';
import type { CapabilityReport } from '../syntax/capabilities.ts';
import type { JsonSchema } from './skill.ts';

export interface PinnedRequirement {
  /** The name by which the code calls it. */
  readonly local: string;
  readonly name: string;
  readonly version: number;
  readonly digest: string;
}

export interface SkillAnalysis {
  readonly plan: InjectionPlan;
  /** The JavaScript that runs; absent where it equals the code (JavaScript skills). */
  readonly erasedCode?: string;
  readonly capabilities: CapabilityReport;
  readonly pure: { readonly decided: boolean; readonly because: readonly string[] };
  readonly requires: readonly PinnedRequirement[];
  /** Derived from the plan where the definition has no `inputSchema`. */
  readonly derivedInputSchema?: JsonSchema;
}
