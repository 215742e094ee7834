/** A batch that this service runs, or ran: its events, who follows them, and what it ended with. */
import type { Batch } from '../batch/batch.ts';
import type { BatchProgress } from '../batch/progress.ts';
import { EventLog, type Follower } from './event-log.ts';
import type { Problem } from './problem.ts';

/** Each says all that the one before did: few are kept. */
const BOUNDS = { eventsMax: 200, eventBytesMax: 256 * 1024 };

export type Numbers = Pick<
  BatchProgress,
  'done' | 'failed' | 'cached' | 'itemsPerSecond' | 'share' | 'remainingMs' | 'workedMs'
>;

export class ServedBatch {
  readonly #events = new EventLog(BOUNDS);
  #batch: Batch | undefined;
  #toldDone = -1;
  /** What the last attempt ended with. */
  problem: Problem | undefined;

  get isRunning(): boolean {
    return this.#batch !== undefined;
  }

  begin(batch: Batch): void {
    this.#batch = batch;
    this.problem = undefined;
    this.#events.begin();
    this.#events.tell('status', { status: 'running', ...numbersOf(batch.progress()) });
  }

  /** Of one that runs. */
  numbers(): Numbers | undefined {
    return this.#batch && numbersOf(this.#batch.progress());
  }

  progress(progress: BatchProgress): void {
    if (progress.done === this.#toldDone) return;
    this.#toldDone = progress.done;
    this.#events.tell('progress', numbersOf(progress));
  }

  /** Its outcome is its last event, until it is resumed. */
  end(problem: Problem | undefined): void {
    if (!this.#batch) return;
    const progress = this.#batch.progress();
    this.#batch = undefined;
    this.problem = problem;
    this.#events.tell('outcome', {
      status: progress.state,
      ...numbersOf(progress),
      ...(problem && { problem }),
    });
    this.#events.end();
  }

  follow(afterId: number, follower: Follower): () => void {
    return this.#events.follow(afterId, follower);
  }
}

function numbersOf({
  done,
  failed,
  cached,
  itemsPerSecond,
  share,
  remainingMs,
  workedMs,
}: BatchProgress): Numbers {
  return {
    done,
    failed,
    cached,
    itemsPerSecond,
    ...(share !== undefined && { share }),
    ...(remainingMs !== undefined && { remainingMs }),
    workedMs,
  };
}
