/** Does for one run what it is granted and may not do itself, within its bounds, and notes what it refuses. */
import type { RunGrants } from '../grants.ts';
import type { AskHeader } from '../sandbox/protocol.ts';
import type { GrantUse, Refused } from './dispatch-types.ts';
import { GrantedFiles } from './granted-files.ts';
import { ByteBudget, GrantRefusal } from './grant-refusal.ts';
import { webRequest, type FetchAsk, type WebAnswer } from './web-request.ts';

const EVENTS_MAX = 50;
const TEXT_MAX = 300;
const NOTHING = Buffer.alloc(0);

export class Broker {
  readonly #grants: RunGrants;
  readonly #webBytes: ByteBudget;
  readonly #fileBytes: ByteBudget;
  readonly #files: GrantedFiles | undefined;
  readonly #refused: Refused[] = [];
  #refusals = 0;
  #requests = 0;

  constructor(grants: RunGrants) {
    const { fetch, files } = grants;
    this.#grants = grants;
    this.#webBytes = new ByteBudget(fetch?.bytesMax ?? 0);
    this.#fileBytes = new ByteBudget(files?.bytesMax ?? 0);
    this.#files = files && new GrantedFiles(files, this.#fileBytes);
  }

  /** The largest body that the run may send. */
  get bodyBytesMax(): number {
    return Math.max(this.#grants.fetch?.bytesMax ?? 0, this.#grants.files?.bytesMax ?? 0);
  }

  get use(): GrantUse {
    return {
      requests: this.#requests,
      requestBytes: this.#webBytes.used,
      fileBytes: this.#fileBytes.used,
      refusals: this.#refusals,
      refused: [...this.#refused],
    };
  }

  /** Never throws: what goes wrong is the answer. */
  async answer(ask: AskHeader, body: Buffer, signal: AbortSignal): Promise<WebAnswer> {
    const { id } = ask;
    try {
      switch (ask.kind) {
        case 'fetch':
          return await this.#fetch(ask, body, signal);
        case 'read':
          return { header: { id, kind: 'done' }, body: await this.#granted().read(ask.name) };
        case 'write':
          await this.#granted().write(ask.name, body);
          return { header: { id, kind: 'done' }, body: NOTHING };
        case 'cancel':
          return { header: { id, kind: 'done' }, body: NOTHING };
        default:
          throw new Error(`unreachable: ${ask satisfies never}`);
      }
    } catch (error) {
      const message = `${ask.kind} failed: ${this.#reason(ask, error, signal)}`;
      return { header: { id, kind: 'refused', message }, body: NOTHING };
    }
  }

  /** Puts the files in place that a run wrote which succeeded. @throws {ConfigurationError} */
  async commit(): Promise<void> {
    await this.#files?.commit();
  }

  async discard(): Promise<void> {
    await this.#files?.discard();
  }

  async #fetch(ask: FetchAsk, body: Buffer, signal: AbortSignal): Promise<WebAnswer> {
    const grant = this.#grants.fetch;
    if (grant === undefined) throw new GrantRefusal('it is not granted');
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(grant.timeoutMs)]);
    const count = () => {
      if (this.#requests >= grant.requestsMax)
        throw new GrantRefusal(`more than ${grant.requestsMax} requests in one run`);
      this.#requests += 1;
    };
    return webRequest(ask, body, { grant, budget: this.#webBytes, count, signal: deadline });
  }

  #granted(): GrantedFiles {
    if (this.#files === undefined) throw new GrantRefusal('it is not granted');
    return this.#files;
  }

  #reason(ask: AskHeader, error: unknown, signal: AbortSignal): string {
    const { name, message, code } = error as NodeJS.ErrnoException;
    if (error instanceof GrantRefusal) {
      this.#refusals += 1;
      if (this.#refused.length < EVENTS_MAX)
        this.#refused.push({ request: requestText(ask), reason: message.slice(0, TEXT_MAX) });
      return message;
    }
    if (signal.aborted) return 'the request was taken back';
    if (name === 'TimeoutError' || name === 'AbortError')
      return `no answer within ${this.#grants.fetch?.timeoutMs} ms`;
    // A path of the host is not the skill's to know.
    return ask.kind === 'fetch' ? (code ?? message).slice(0, TEXT_MAX) : (code ?? 'an error');
  }
}

/** Without the query, which may hold anything. */
function requestText(ask: AskHeader): string {
  if (ask.kind === 'cancel') return ask.kind;
  const what = ask.kind === 'fetch' ? `${ask.method} ${ask.url.split(/[?#]/)[0]}` : `${ask.kind} ${ask.name}`;
  return what.slice(0, TEXT_MAX);
}
