/** A version's examples, run before its pointer moves to it. */
import { SkillCacheError, SkillVerificationError, type ErrorCode } from '../errors.ts';
import { firstDifference } from './equality.ts';
import { shorten } from './plain-json.ts';
import { show } from './shown-value.ts';
import type { SkillDefinition, SkillExample } from './skill.ts';

/** One example that failed: what was expected and what came, as readable text of bounded length. */
export interface ExampleFailure {
  readonly index: number;
  /** Where the two differ first, as in `output.rows[3].price`; absent when the run failed. */
  readonly path?: string;
  readonly expected: string;
  readonly actual: string;
  /** All of it in one sentence. */
  readonly message: string;
  /** The run's own failure. */
  readonly error?: { readonly code: ErrorCode; readonly message: string };
}

const FAILURES_MAX = 10;
const SHOWN_LENGTH_MAX = 500;

/** Failures that say something about the skill; any other is ours, and passed on. */
const SKILL_FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'SKILL_RUNTIME',
  'EXECUTION_TIMEOUT',
  'EXECUTION_MEMORY',
  'OUTPUT_LIMIT',
  'WORKER_CRASHED',
  'INPUT_VALIDATION',
  'OUTPUT_VALIDATION',
  'UNSUPPORTED_TARGET',
  'INVALID_INPUTS',
  'UNSERIALIZABLE_VALUE',
  'LIMIT_EXCEEDED',
]);

/**
 * Runs each example in its order and compares. Stops after 10 failures. An error of `run` that is
 * the skill's doing is a failure; one that is not (no worker free, aborted) rejects.
 */
export async function verifyExamples(
  definition: Pick<SkillDefinition, 'examples'>,
  run: (example: SkillExample, index: number) => Promise<{ readonly output: unknown }>,
): Promise<ExampleFailure[]> {
  const failures: ExampleFailure[] = [];
  for (const [index, example] of definition.examples.entries()) {
    if (failures.length === FAILURES_MAX) break;
    const failure = await verifyExample(example, index, run);
    if (failure !== undefined) failures.push(failure);
  }
  return failures;
}

async function verifyExample(
  example: SkillExample,
  index: number,
  run: (example: SkillExample, index: number) => Promise<{ readonly output: unknown }>,
): Promise<ExampleFailure | undefined> {
  let output: unknown;
  try {
    ({ output } = await run(example, index));
  } catch (error) {
    if (!(error instanceof SkillCacheError) || !SKILL_FAILURES.has(error.code)) throw error;
    const message = shorten(error.message, SHOWN_LENGTH_MAX);
    const actual = `${error.code}: ${message}`;
    return failure({ index, expected: show(example.output), actual, error: { code: error.code, message } });
  }
  const difference = firstDifference(example.output, output, example.tolerance);
  if (difference === undefined) return undefined;
  const { path } = difference;
  return failure({ index, path, expected: show(difference.expected), actual: show(difference.actual) });
}

function failure(parts: Omit<ExampleFailure, 'message'>): ExampleFailure {
  return { ...parts, message: sentence(parts) };
}

/** The error that says which examples failed, with expected and actual. `failures` is not empty. */
export function verificationError(
  definition: Pick<SkillDefinition, 'name' | 'examples'>,
  failures: readonly ExampleFailure[],
): SkillVerificationError {
  const shown = failures.slice(0, 3).map((failure) => failure.message);
  const more = failures.length > shown.length ? `; and ${failures.length - shown.length} more` : '';
  return new SkillVerificationError(
    `${failures.length} of ${definition.examples.length} examples of ${definition.name} failed: ${shown.join('; ')}${more}`,
    { details: { skill: definition.name, failures } },
  );
}

function sentence(failure: Omit<ExampleFailure, 'message'>): string {
  const which = `example ${failure.index + 1}`;
  if (failure.error !== undefined) return `${which} ended with ${shorten(failure.actual, 200)}`;
  const expected = shorten(failure.expected, 120);
  return `${which} at ${failure.path ?? 'output'}: expected ${expected}, got ${shorten(failure.actual, 120)}`;
}
