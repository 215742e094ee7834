/** `skillcache batch run` and `batch resume` */
import { Batches } from '../batch/batches.ts';
import type { Batch } from '../batch/batch.ts';
import type { BatchReport } from '../batch/batch-types.ts';
import type { BatchProgress } from '../batch/progress.ts';
import { BatchRefusedError, SkillCacheError } from '../errors.ts';
import type { BatchRunWords } from './batch.ts';
import { callOptions, runOptions } from './batch-words.ts';
import type { Session } from './session.ts';

export async function run(session: Session, skill: string, words: BatchRunWords): Promise<void> {
  const call = callOptions(words);
  const run = await runOptions(session, words);
  await using library = await session.open('read', { isLong: true });
  const batch = await new Batches(library).start(skill, {
    ...call,
    run,
    inputs: words.inputs === '-' ? process.stdin : words.inputs,
    output: words.output === '-' ? process.stdout : words.output,
    overwrite: words.overwrite === true,
    ...watching(session),
  });
  await finish(session, batch, words.output === '-');
}

export async function resume(session: Session, id: string): Promise<void> {
  await using library = await session.open('read', { isLong: true });
  const batches = new Batches(library);
  const { inputs } = await batches.status(id);
  const isPiped = inputs === '-';
  if (isPiped && process.stdin.isTTY) {
    throw new BatchRefusedError(
      `the inputs of ${id} came from stdin: pipe the same in again, from the beginning`,
    );
  }
  const batch = await batches.resume(id, { ...(isPiped && { inputs: process.stdin }), ...watching(session) });
  await finish(session, batch, false);
}

function watching(session: Session): {
  signal: AbortSignal;
  killSignal: AbortSignal;
  onProgress: (progress: BatchProgress) => void;
} {
  const killSignal = session.bePatient();
  const onProgress = (progress: BatchProgress): void => session.output.progress(progressLine(progress));
  return { signal: session.signal, killSignal, onProgress };
}

async function finish(session: Session, batch: Batch, isStdout: boolean): Promise<void> {
  const { output } = session;
  for (const reason of batch.refused) output.warn(`a checkpoint was not taken: ${reason}`);
  if (!output.json) output.note(`batch ${batch.id}`);
  const hint = isStdout ? 'stdout cannot be resumed' : `skillcache batch resume ${batch.id}`;
  const onAbort = (): void => output.note('finishing what runs; once more to stop now');
  if (!output.json) session.signal.addEventListener('abort', onAbort, { once: true });
  let report: BatchReport;
  try {
    report = await batch.finish();
  } catch (error) {
    throw withHint(error, batch, hint);
  } finally {
    session.signal.removeEventListener('abort', onAbort);
  }
  if (isStdout) output.note(summary(report));
  else output.answer(report, () => summary(report));
  if (report.endedBy === 'time-budget') output.note(`its time is over; go on: ${hint}`);
}

/** What happened, how far it came, and how it goes on. */
function withHint(error: unknown, batch: Batch, hint: string): unknown {
  if (!(error instanceof SkillCacheError)) return error;
  const { done, failed } = batch.progress();
  const message = `${error.message}; ${done} items done, ${failed} failed; go on: ${hint}`;
  return new SkillCacheError(error.code, message, {
    cause: error,
    details: { ...error.details, id: batch.id, done, failed },
  });
}

function summary({ id, state, endedBy, done, failed, cached, workedMs, output }: BatchReport): string {
  const seconds = (workedMs / 1_000).toFixed(1);
  const why = endedBy === 'inputs' ? '' : ` (${endedBy})`;
  return `${state}${why}: ${done} items, ${failed} failed, ${cached} from the cache, ${seconds} s → ${output}\nbatch ${id}`;
}

const BAR_WIDTH = 20;

function progressLine({ done, failed, itemsPerSecond, share, remainingMs }: BatchProgress): string {
  const filled = Math.round((share ?? 0) * BAR_WIDTH);
  const bar =
    share === undefined
      ? ''
      : `[${'#'.repeat(filled)}${'.'.repeat(BAR_WIDTH - filled)}] ${Math.floor(share * 100)} % `;
  const left = remainingMs === undefined ? '' : `, ${Math.ceil(remainingMs / 1_000)} s left`;
  return `${bar}${done} done, ${failed} failed, ${itemsPerSecond}/s${left}`;
}
