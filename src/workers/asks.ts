/** The requests of one run that its worker passes on: checked, answered once each, taken back when the run ends. */
import type { AskHeader, ReplyHeader } from '../sandbox/protocol.ts';
import type { Broker } from './broker.ts';
import { ProtocolError } from './frame-reader.ts';
import { bagOf, textOf, type Bag } from './outcome.ts';

export type SendReply = (header: ReplyHeader, body: Buffer) => void;

/** Beyond it a worker is not honest: a realm of its own makes no sense of so many. */
const ASKS_MAX = 100_000;
const OPEN_MAX = 256;
const HEADERS_MAX = 1_000;
const HEADER_BYTES_MAX = 256 * 1024;

export class Asks {
  readonly #broker: Broker | undefined;
  readonly #send: SendReply;
  /** Those that are owed a reply. */
  readonly #open = new Map<number, AbortController>();
  #count = 0;

  constructor(broker: Broker | undefined, send: SendReply) {
    this.#broker = broker;
    this.#send = send;
  }

  /** @throws {ProtocolError} for what no harness sends. */
  take(payload: Buffer): void {
    const broker = this.#broker;
    if (broker === undefined) throw new ProtocolError('a request, and nothing is granted');
    const { header, body } = parseAsk(payload);
    this.#count += 1;
    if (this.#count > ASKS_MAX) throw new ProtocolError(`more than ${ASKS_MAX} requests`);
    if (this.#open.has(header.id)) throw new ProtocolError('a request that is under way already');
    if (header.kind === 'cancel') this.#open.get(header.of)?.abort();
    const controller = new AbortController();
    const isFull = this.#open.size >= OPEN_MAX;
    this.#open.set(header.id, controller);
    if (isFull) return this.#reply(header.id, refusal(header.id, `more than ${OPEN_MAX} requests at once`));
    void broker
      .answer(header, body, controller.signal)
      .then((answer) => this.#reply(header.id, answer.header, answer.body));
  }

  /** Takes back what is under way. `isGone`: the worker is: nobody is there to hear of it. */
  close(isGone: boolean): void {
    for (const [id, controller] of this.#open) {
      controller.abort();
      if (!isGone) this.#reply(id, refusal(id, 'the run is over'));
    }
    this.#open.clear();
  }

  #reply(id: number, header: ReplyHeader, body: Buffer = Buffer.alloc(0)): void {
    if (this.#open.delete(id)) this.#send(header, body);
  }
}

const refusal = (id: number, message: string): ReplyHeader => ({ id, kind: 'refused', message });

function parseAsk(payload: Buffer): { header: AskHeader; body: Buffer } {
  const lineEnd = payload.indexOf(10);
  if (lineEnd < 0 || lineEnd > HEADER_BYTES_MAX) throw new ProtocolError('a request without its header');
  return {
    header: headerOf(bagOf(payload.toString('utf8', 0, lineEnd))),
    body: payload.subarray(lineEnd + 1),
  };
}

function headerOf(bag: Bag): AskHeader {
  const { kind } = bag;
  const id = idOf(bag['id']);
  switch (kind) {
    case 'fetch':
      return {
        id,
        kind,
        url: textOf(bag['url']),
        method: textOf(bag['method']),
        headers: pairsOf(bag['headers']),
        secretHeaders: pairsOf(bag['secretHeaders']),
      };
    case 'read':
    case 'write':
      return { id, kind, name: textOf(bag['name']) };
    case 'cancel':
      return { id, kind, of: idOf(bag['of']) };
    default:
      throw new ProtocolError('a request of an unknown kind');
  }
}

function idOf(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new ProtocolError('a request of a wrong shape');
  return value as number;
}

function pairsOf(value: unknown): [string, string][] {
  if (!Array.isArray(value) || value.length > HEADERS_MAX)
    throw new ProtocolError('a request of a wrong shape');
  return value.map((pair: unknown) => {
    if (!Array.isArray(pair)) throw new ProtocolError('a request of a wrong shape');
    return [textOf(pair[0]), textOf(pair[1])];
  });
}
