/** One background timer for all that falls due: idle and old resources, and leases held too long. */
import type { Member, Members } from './pool-member.ts';
import type { ResolvedPoolOptions } from './pool-options.ts';
import type { DestroyReason } from './pool-stats.ts';

interface Duties<T> {
  /** Whether an idle resource may go because of its idleness. */
  isSpare(member: Member<T>): boolean;
  retire(member: Member<T>, reason: DestroyReason): void;
  leaked(member: Member<T>): void;
}

export class Sweeper<T> {
  readonly #options: ResolvedPoolOptions<T>;
  readonly #members: Members<T>;
  readonly #duties: Duties<T>;
  #timer: { readonly handle: unknown; readonly dueMs: number } | undefined;

  constructor(options: ResolvedPoolOptions<T>, members: Members<T>, duties: Duties<T>) {
    this.#options = options;
    this.#members = members;
    this.#duties = duties;
  }

  /** Makes sure that the sweep comes no later than `member` falls due. An earlier one is left as it is. */
  watch(member: Member<T>): void {
    this.#arm(this.#dueMs(member));
  }

  stop(): void {
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer.handle);
    this.#timer = undefined;
  }

  #arm(dueMs: number): void {
    if (!Number.isFinite(dueMs) || (this.#timer !== undefined && this.#timer.dueMs <= dueMs)) return;
    this.stop();
    const waitMs = Math.max(0, dueMs - this.#options.clock.now());
    this.#timer = { handle: this.#options.clock.setTimeout(() => this.#sweep(), waitMs, true), dueMs };
  }

  #sweep(): void {
    this.#timer = undefined;
    const nowMs = this.#options.clock.now();
    for (const member of this.#members.idle.slice()) {
      if (nowMs >= member.bornMs + this.#options.ageMaxMs) this.#duties.retire(member, 'age');
      else if (this.#dueMs(member) <= nowMs) this.#duties.retire(member, 'idle');
    }
    for (const member of this.#members) {
      if (this.#dueMs(member) <= nowMs && member.state.kind === 'leased') this.#duties.leaked(member);
    }
    let nextMs = Number.POSITIVE_INFINITY;
    for (const member of this.#members) nextMs = Math.min(nextMs, this.#dueMs(member));
    this.#arm(nextMs);
  }

  #dueMs(member: Member<T>): number {
    const { idleTimeoutMs, ageMaxMs, leakThresholdMs } = this.#options;
    const { state } = member;
    if (state.kind === 'leased') {
      if (leakThresholdMs === undefined || state.isReported) return Number.POSITIVE_INFINITY;
      return state.sinceMs + leakThresholdMs;
    }
    if (state.kind !== 'idle') return Number.POSITIVE_INFINITY;
    const idleDueMs = this.#duties.isSpare(member) ? state.sinceMs + idleTimeoutMs : Number.POSITIVE_INFINITY;
    return Math.min(idleDueMs, member.bornMs + ageMaxMs);
  }
}
