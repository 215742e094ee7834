/** The resources of a pool: the state of each, and the count of each state. */
import { strict as assert } from 'node:assert';
import type { DestroyReason } from './pool-stats.ts';

export type MemberState =
  | { readonly kind: 'new' }
  | { readonly kind: 'idle'; readonly sinceMs: number }
  /** `validate` is looking at it on behalf of a caller in line. */
  | { readonly kind: 'checking' }
  | {
      readonly kind: 'leased';
      readonly sinceMs: number;
      readonly holder: string;
      readonly isReported: boolean;
    }
  | { readonly kind: 'destroying'; readonly reason: DestroyReason; readonly gone: Promise<void> }
  | { readonly kind: 'gone' };

type Kind = MemberState['kind'];

const NEXT: Readonly<Record<Kind, readonly Kind[]>> = {
  new: ['idle', 'leased', 'destroying'],
  idle: ['checking', 'leased', 'destroying'],
  checking: ['idle', 'leased', 'destroying'],
  leased: ['idle', 'leased', 'destroying'],
  destroying: ['gone'],
  gone: [],
};

export interface Member<T> {
  readonly value: T;
  readonly bornMs: number;
  /** Which `clear()` it was born after; an older one is destroyed on its return. */
  generation: number;
  readonly state: MemberState;
  readonly uses: number;
}

type Mutable<T> = { -readonly [Key in keyof Member<T>]: Member<T>[Key] };

export class Members<T> {
  readonly #all = new Set<Member<T>>();
  /** Least recently used first. */
  readonly #idle: Member<T>[] = [];
  readonly #counts: Record<Kind, number> = {
    new: 0,
    idle: 0,
    checking: 0,
    leased: 0,
    destroying: 0,
    gone: 0,
  };

  count(kind: Exclude<Kind, 'gone' | 'new'>): number {
    return this.#counts[kind];
  }

  /** Every one that still exists, dying ones included. */
  get alive(): number {
    return this.#all.size;
  }

  get idle(): readonly Member<T>[] {
    return this.#idle;
  }

  [Symbol.iterator](): IterableIterator<Member<T>> {
    return this.#all.values();
  }

  add(value: T, bornMs: number, generation: number): Member<T> {
    const member: Member<T> = { value, bornMs, generation, state: { kind: 'new' }, uses: 0 };
    this.#all.add(member);
    this.#counts.new += 1;
    return member;
  }

  /** The only place where a member changes its state. */
  step(member: Member<T>, next: MemberState): void {
    const from = member.state.kind;
    assert(NEXT[from].includes(next.kind), `a pool member cannot go from ${from} to ${next.kind}`);
    this.#counts[from] -= 1;
    this.#counts[next.kind] += 1;
    if (from === 'idle') this.#idle.splice(this.#idle.lastIndexOf(member), 1);
    if (next.kind === 'idle') this.#idle.push(member);
    if (next.kind === 'gone') this.#all.delete(member);
    const mutable: Mutable<T> = member;
    if (next.kind === 'leased' && from !== 'leased') mutable.uses += 1;
    mutable.state = next;
  }

  /** The idle one of the highest rank, the last used of equals; undefined if none has a rank of 0 or more. */
  best(rank: ((resource: T) => number) | undefined): Member<T> | undefined {
    if (rank === undefined) return this.#idle.at(-1);
    let best: Member<T> | undefined;
    let bestRank = -1;
    for (const member of this.#idle) {
      const own = rank(member.value);
      if (own >= 0 && own >= bestRank) {
        best = member;
        bestRank = own;
      }
    }
    return best;
  }
}
