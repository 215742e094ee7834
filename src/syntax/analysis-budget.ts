/** A bound on what one report may take: hostile code makes every rule look at everything. */
import { SkillSyntaxError } from '../errors.ts';

/** A megabyte of ordinary code takes a few million. */
export const ANALYSIS_STEPS_MAX = 50_000_000;

export class AnalysisBudget {
  #stepsLeft = ANALYSIS_STEPS_MAX;

  /** @throws {SkillSyntaxError} when more was spent than one report may take. */
  spend(steps: number): void {
    this.#stepsLeft -= steps;
    if (this.#stepsLeft >= 0) return;
    throw new SkillSyntaxError(
      `the code is too entangled to be read: it takes more than ${ANALYSIS_STEPS_MAX} steps`,
      { details: { limit: ANALYSIS_STEPS_MAX } },
    );
  }
}
