/** A run that is answered later: its state, its events, and who follows them. */
import type { SkillRun } from '../library/types.ts';
import type { ToldStage } from '../run-options.ts';
import { EventLog, type Follower } from './event-log.ts';
import type { Problem } from './problem.ts';

export type RunState =
  | { readonly kind: 'running' }
  | { readonly kind: 'succeeded'; readonly run: SkillRun; readonly text: string }
  | { readonly kind: 'failed' | 'cancelled'; readonly problem: Problem };

const EVENTS_MAX = 2_000;
const EVENT_BYTES_MAX = 2 * 2 ** 20;

export class KeptRun {
  readonly id: string;
  readonly owner: string;
  readonly skill: string | undefined;
  readonly startedAtMs = Date.now();
  readonly #startMs = performance.now();
  readonly #stop = new AbortController();
  readonly #events = new EventLog({ eventsMax: EVENTS_MAX, eventBytesMax: EVENT_BYTES_MAX });
  #state: RunState = { kind: 'running' };
  /** Set when it ends. */
  durationMs: number | undefined;

  constructor({ id, owner, skill }: { id: string; owner: string; skill: string | undefined }) {
    this.id = id;
    this.owner = owner;
    this.skill = skill;
    this.#events.tell('status', { status: 'running' });
  }

  get state(): RunState {
    return this.#state;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** What it holds on to: answer and events. */
  get bytes(): number {
    return this.#events.bytes + (this.#state.kind === 'succeeded' ? this.#state.text.length : 0);
  }

  /** A part of it has ended. */
  progress(stage: ToldStage, durationMs: number): void {
    this.#events.tell('progress', { stage, durationMs });
  }

  log(text: string): void {
    this.#events.tell('log', { text });
  }

  cancel(reason: Error): void {
    if (this.#state.kind === 'running') this.#stop.abort(reason);
  }

  /** Its outcome is its last event. */
  end(state: Exclude<RunState, { kind: 'running' }>): void {
    if (this.#state.kind !== 'running') return;
    this.#state = state;
    this.durationMs = performance.now() - this.#startMs;
    // The answer itself may be large: it is at the run's own address.
    this.#events.tell('outcome', {
      status: state.kind,
      durationMs: this.durationMs,
      ...(state.kind !== 'succeeded' && { problem: state.problem }),
    });
    this.#events.end();
  }

  /** Tells all events behind `afterId`, those to come too; what it returns stops that. */
  follow(afterId: number, follower: Follower): () => void {
    return this.#events.follow(afterId, follower);
  }
}
