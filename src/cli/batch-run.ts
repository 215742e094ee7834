/** `skillcache batch run` and `batch resume` */
import { Batches } from '../batch/batches.ts';
import type { Batch } from '../batch/batch.ts';
import type { BatchReport } from '../batch/batch-types.ts';
import { counted } from '../batch/counted.ts';
import type { BatchProgress } from '../batch/progress.ts';
import { BatchRefusedError, SkillCacheError } from '../errors.ts';
import type { BatchResumeWords, BatchRunWords } from './batch.ts';
import { goOn } from './batch-hints.ts';
import { callOptions, runOptions, worded } from './batch-words.ts';
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
  await finish(session, batch, { isStdout: words.output === '-', isPiped: words.inputs === '-' });
}

export async function resume(session: Session, id: string, words: BatchResumeWords): Promise<void> {
  const bounds = callOptions(words);
  await using library = await session.open('read', { isLong: true });
  const batches = new Batches(library);
  const { inputs } = await batches.status(id);
  const isPiped = inputs === '-';
  if (isPiped && process.stdin.isTTY) {
    throw new BatchRefusedError(
      `the inputs of ${id} came from stdin: pipe the same in again, from the beginning`,
    );
  }
  const piped = isPiped && { inputs: process.stdin };
  const batch = await batches.resume(id, { ...bounds, ...piped, ...watching(session) }).catch((error) => {
    throw worded(error);
  });
  await finish(session, batch, { isStdout: false, isPiped });
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

/** Which of its ends are streams of this process. */
interface Ends {
  readonly isStdout: boolean;
  readonly isPiped: boolean;
}

async function finish(session: Session, batch: Batch, ends: Ends): Promise<void> {
  const { output } = session;
  for (const reason of batch.refused) output.warn(`a checkpoint was not taken: ${reason}`);
  if (!output.json) output.note(`batch ${batch.id}`);
  const onAbort = (): void => output.note('finishing what runs; once more to stop now');
  if (!output.json) session.signal.addEventListener('abort', onAbort, { once: true });
  let report: BatchReport;
  try {
    report = await batch.finish();
  } catch (error) {
    throw withHint(error, batch, ends);
  } finally {
    session.signal.removeEventListener('abort', onAbort);
  }
  if (ends.isStdout) output.note(summary(report));
  else output.answer(report, () => summary(report));
  if (report.endedBy === 'time-budget') output.note(`its time is over; ${goOn({ ...report, ...ends })}`);
}

/** What happened, how far it came, and how it goes on. */
function withHint(error: unknown, batch: Batch, ends: Ends): unknown {
  if (!(error instanceof SkillCacheError)) return error;
  const { id, done, failed, stoppedAt } = batch.progress();
  const place =
    stoppedAt && stoppedAt.by !== 'inputs' ? ` (index ${stoppedAt.index}, line ${stoppedAt.line})` : '';
  const hint = goOn({ id, failed, by: stoppedAt?.by, ...ends });
  const message = `${error.message}${place}; ${counted(done, 'item')} done, ${failed} failed; ${hint}`;
  return new SkillCacheError(error.code, message, {
    cause: error,
    details: { ...error.details, ...stoppedAt, id, done, failed },
  });
}

function summary({ id, state, endedBy, done, failed, cached, workedMs, output }: BatchReport): string {
  const seconds = (workedMs / 1_000).toFixed(1);
  const why = endedBy === 'inputs' ? '' : ` (${endedBy})`;
  return `${state}${why}: ${counted(done, 'item')}, ${failed} failed, ${cached} from the cache, ${seconds} s → ${output}\nbatch ${id}`;
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
