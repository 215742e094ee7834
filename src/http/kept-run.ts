/** A run that is answered later: its state, its events, and who follows them. */
import type { SkillRun } from '../library/types.ts';
import type { StreamEvent } from './event-stream.ts';
import type { Problem } from './problem.ts';

export type RunState =
  | { readonly kind: 'running' }
  | { readonly kind: 'succeeded'; readonly run: SkillRun; readonly text: string }
  | { readonly kind: 'failed' | 'cancelled'; readonly problem: Problem };

/** Oldest events go first; whoever resumes behind them is told of the gap. */
const EVENTS_MAX = 2_000;
const EVENT_BYTES_MAX = 2 * 2 ** 20;

export interface Follower {
  event(event: StreamEvent): void;
  end(): void;
}

export class KeptRun {
  readonly id: string;
  readonly owner: string;
  readonly skill: string | undefined;
  readonly startedAtMs = Date.now();
  readonly #startMs = performance.now();
  readonly #stop = new AbortController();
  readonly #events: StreamEvent[] = [];
  readonly #followers = new Set<Follower>();
  #eventBytes = 0;
  #lastId = 0;
  #state: RunState = { kind: 'running' };
  /** Set when it ends. */
  durationMs: number | undefined;

  constructor({ id, owner, skill }: { id: string; owner: string; skill: string | undefined }) {
    this.id = id;
    this.owner = owner;
    this.skill = skill;
    this.#tell('status', { status: 'running' });
  }

  get state(): RunState {
    return this.#state;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** What it holds on to: answer and events. */
  get bytes(): number {
    return this.#eventBytes + (this.#state.kind === 'succeeded' ? this.#state.text.length : 0);
  }

  log(text: string): void {
    this.#tell('log', { text });
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
    this.#tell('outcome', {
      status: state.kind,
      durationMs: this.durationMs,
      ...(state.kind !== 'succeeded' && { problem: state.problem }),
    });
    for (const follower of this.#followers) follower.end();
    this.#followers.clear();
  }

  /** Tells all events behind `afterId`, those to come too; what it returns stops that. */
  follow(afterId: number, follower: Follower): () => void {
    const first = this.#events[0]?.id ?? 1;
    if (afterId + 1 < first) {
      follower.event({ id: first - 1, event: 'gap', data: JSON.stringify({ missed: first - 1 - afterId }) });
    }
    for (const event of this.#events) if (event.id > afterId) follower.event(event);
    if (this.#state.kind !== 'running') {
      follower.end();
      return () => undefined;
    }
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }

  #tell(event: string, data: object): void {
    this.#lastId += 1;
    const told = { id: this.#lastId, event, data: JSON.stringify(data) };
    this.#events.push(told);
    this.#eventBytes += told.data.length;
    while (
      this.#events.length > EVENTS_MAX ||
      (this.#eventBytes > EVENT_BYTES_MAX && this.#events.length > 1)
    ) {
      this.#eventBytes -= this.#events.shift()?.data.length ?? 0;
    }
    for (const follower of this.#followers) follower.event(told);
  }
}
