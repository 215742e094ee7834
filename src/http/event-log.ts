/** The events of something that goes on: numbered, within a bound, and told to whoever follows. */
import type { StreamEvent } from './event-stream.ts';

export interface Follower {
  event(event: StreamEvent): void;
  end(): void;
}

/** Oldest events go first; whoever resumes behind them is told of the gap. */
export interface EventLogBounds {
  readonly eventsMax: number;
  readonly eventBytesMax: number;
}

export class EventLog {
  readonly #bounds: EventLogBounds;
  readonly #events: StreamEvent[] = [];
  readonly #followers = new Set<Follower>();
  #bytes = 0;
  #lastId = 0;
  #isOver = false;

  constructor(bounds: EventLogBounds) {
    this.#bounds = bounds;
  }

  get bytes(): number {
    return this.#bytes;
  }

  tell(event: string, data: object): void {
    const { eventsMax, eventBytesMax } = this.#bounds;
    this.#lastId += 1;
    const told = { id: this.#lastId, event, data: JSON.stringify(data) };
    this.#events.push(told);
    this.#bytes += told.data.length;
    while (this.#events.length > eventsMax || (this.#bytes > eventBytesMax && this.#events.length > 1)) {
      this.#bytes -= this.#events.shift()?.data.length ?? 0;
    }
    for (const follower of this.#followers) follower.event(told);
  }

  /** No more events come, unless it is begun again. */
  end(): void {
    this.#isOver = true;
    for (const follower of this.#followers) follower.end();
    this.#followers.clear();
  }

  begin(): void {
    this.#isOver = false;
  }

  /** Tells all events behind `afterId`, those to come too; what it returns stops that. */
  follow(afterId: number, follower: Follower): () => void {
    // A number that was never given is of a log that is gone: all is new to whoever names it.
    const after = afterId > this.#lastId ? 0 : afterId;
    const first = this.#events[0]?.id ?? 1;
    if (after + 1 < first) {
      follower.event({ id: first - 1, event: 'gap', data: JSON.stringify({ missed: first - 1 - after }) });
    }
    for (const event of this.#events) if (event.id > after) follower.event(event);
    if (this.#isOver) {
      follower.end();
      return () => undefined;
    }
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}
