/**
 * Posts alerts to a URL as JSON, signed, one after the other, tried again with growing pauses. Whoever
 * sends never waits and never fails: what cannot be delivered is counted.
 */
import { createHmac } from 'node:crypto';

export interface WebhookOptions {
  readonly url: string;
  /** Key of the HMAC-SHA256. */
  readonly secret: string;
  /** Deadline of one try, in ms. */
  readonly timeoutMs: number;
  readonly triesMax: number;
  /** Pause after the first failed try, in ms; doubled after each further one, up to ten minutes. */
  readonly backoffMs: number;
  /** Most messages waiting; of more, the oldest go. */
  readonly waitingMax: number;
  /** Told when a message is given up. */
  readonly onGivenUp?: (why: string) => void;
}

export interface WebhookNumbers {
  /** Messages that the other side took. */
  readonly delivered: number;
  /** Given up: refused, or out of tries. */
  readonly failed: number;
  /** Gone before they were tried, for want of room or at close. */
  readonly dropped: number;
  readonly tries: number;
  readonly waiting: number;
}

/** `t=<unix seconds>,v1=<hex>`: HMAC-SHA256 of `<unix seconds>.<body>`. */
export const SIGNATURE_HEADER = 'x-skillcache-signature';

const PAUSE_MS_MAX = 10 * 60_000;
/** Worth another try though an answer came: it is late, or too much at once. */
const RETRIED_STATUS: ReadonlySet<number> = new Set([408, 425, 429]);

type Verdict = 'delivered' | 'again' | 'refused';

export class Webhook {
  readonly #options: WebhookOptions;
  readonly #waiting: string[] = [];
  readonly #closing = new AbortController();
  #delivering: Promise<void> | undefined;
  /** Ends the pause between two tries. */
  #wake: (() => void) | undefined;
  #isEnding = false;
  #delivered = 0;
  #failed = 0;
  #dropped = 0;
  #tries = 0;

  constructor(options: WebhookOptions) {
    this.#options = options;
  }

  /** Queues a message: plain JSON data. */
  send(message: unknown): void {
    if (this.#isEnding) {
      this.#dropped += 1;
      return;
    }
    this.#waiting.push(JSON.stringify(message));
    if (this.#waiting.length > this.#options.waitingMax) {
      this.#waiting.shift();
      this.#dropped += 1;
    }
    this.#delivering ??= this.#deliverAll().finally(() => {
      this.#delivering = undefined;
    });
  }

  numbers(): WebhookNumbers {
    return {
      delivered: this.#delivered,
      failed: this.#failed,
      dropped: this.#dropped,
      tries: this.#tries,
      waiting: this.#waiting.length,
    };
  }

  /** Gives what waits one more try each, for `graceMs` together; then drops it. */
  async close(graceMs: number): Promise<void> {
    this.#isEnding = true;
    this.#wake?.();
    const timer = setTimeout(() => this.#closing.abort(), graceMs);
    await this.#delivering;
    clearTimeout(timer);
    this.#closing.abort();
  }

  async #deliverAll(): Promise<void> {
    for (let body = this.#waiting.shift(); body !== undefined; body = this.#waiting.shift()) {
      if (this.#closing.signal.aborted) this.#dropped += 1;
      else await this.#deliver(body);
    }
  }

  async #deliver(body: string): Promise<void> {
    const { triesMax, backoffMs, onGivenUp } = this.#options;
    let why = '';
    for (let tried = 0; tried < triesMax && !this.#closing.signal.aborted; tried += 1) {
      if (tried > 0) await this.#pause(Math.min(PAUSE_MS_MAX, backoffMs * 2 ** (tried - 1)));
      const { verdict, text } = await this.#try(body);
      if (verdict === 'delivered') {
        this.#delivered += 1;
        return;
      }
      why = `${text} (try ${tried + 1} of ${triesMax})`;
      if (verdict === 'refused' || this.#isEnding) break;
    }
    this.#failed += 1;
    onGivenUp?.(why);
  }

  async #try(body: string): Promise<{ verdict: Verdict; text: string }> {
    const { url, timeoutMs } = this.#options;
    this.#tries += 1;
    const seconds = Math.floor(Date.now() / 1_000);
    try {
      const response = await fetch(url, {
        method: 'POST',
        body,
        redirect: 'error',
        headers: {
          'content-type': 'application/json',
          [SIGNATURE_HEADER]: `t=${seconds},v1=${this.#sign(`${seconds}.${body}`)}`,
        },
        signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), this.#closing.signal]),
      });
      // What it says beyond its status is not read.
      await response.body?.cancel();
      if (response.ok) return { verdict: 'delivered', text: '' };
      const isWorthIt = response.status >= 500 || RETRIED_STATUS.has(response.status);
      return { verdict: isWorthIt ? 'again' : 'refused', text: `status ${response.status}` };
    } catch (error) {
      return { verdict: 'again', text: reasonOf(error) };
    }
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#options.secret).update(text).digest('hex');
  }

  /** Keeps no process alive, and ends early at close. */
  #pause(ms: number): Promise<void> {
    if (this.#isEnding) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}
