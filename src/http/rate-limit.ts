/** Requests of each key in a window, told in the `RateLimit` header fields. */
import type { FastifyReply } from 'fastify';
import { SkillCacheError } from '../errors.ts';
import { ANONYMOUS, type Caller } from './caller.ts';

export interface RateLimits {
  /** 0: no bound. */
  readonly callerRequestsMax: number;
  readonly callerWindowMs: number;
}

const WINDOWS_MAX = 10_000;

export class RateLimit {
  #limits: RateLimits;
  readonly #windows = new Map<string, { endMs: number; count: number }>();

  constructor(limits: RateLimits) {
    this.#limits = limits;
  }

  set limits(limits: RateLimits) {
    this.#limits = limits;
    this.#windows.clear();
  }

  /** Whoever needs no key is not counted. @throws {SkillCacheError} RATE_LIMITED */
  count({ id }: Caller, reply: FastifyReply): void {
    const { callerRequestsMax, callerWindowMs } = this.#limits;
    if (callerRequestsMax === 0 || id === ANONYMOUS.id) return;
    const nowMs = performance.now();
    let window = this.#windows.get(id);
    if (!window || window.endMs <= nowMs) {
      if (this.#windows.size >= WINDOWS_MAX) this.#windows.clear();
      window = { endMs: nowMs + callerWindowMs, count: 0 };
      this.#windows.set(id, window);
    }
    window.count += 1;
    const left = Math.max(0, callerRequestsMax - window.count);
    const seconds = Math.max(1, Math.ceil(Math.round(window.endMs - nowMs) / 1_000));
    reply.header(
      'ratelimit-policy',
      `"caller";q=${callerRequestsMax};w=${Math.ceil(callerWindowMs / 1_000)}`,
    );
    reply.header('ratelimit', `"caller";r=${left};t=${seconds}`);
    if (window.count <= callerRequestsMax) return;
    throw new SkillCacheError(
      'RATE_LIMITED',
      `${callerRequestsMax} requests in ${callerWindowMs} ms are allowed`,
      {
        details: { retryAfterSeconds: seconds },
      },
    );
  }
}
