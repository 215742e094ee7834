/** What a child says of a run, checked field by field: nothing it sends is believed to have a shape. */
import type { Frame, Hello, OutcomeHeader, ThrownError } from '../sandbox/protocol.ts';
import { ProtocolError } from './frame-reader.ts';

export interface Outcome {
  readonly header: OutcomeHeader;
  /** Codec text; empty unless `header.kind` is `value`. */
  readonly output: string;
  /** The bytes of that. */
  readonly outputBytes: number;
}

export type Bag = Readonly<Record<string, unknown>>;
const HEADER_BYTES_MAX = 512 * 1024;
const TEXT_MAX = 256 * 1024;

export function parseHello(frame: Frame): Hello {
  const { tier, why, processId } = bagOf(frame.payload.toString('utf8'));
  if (frame.kind !== 'hello' || (tier !== 'kernel' && tier !== 'permission' && tier !== 'none'))
    throw new ProtocolError('a wrong hello');
  return {
    tier,
    ...(why === undefined ? {} : { why: textOf(why) }),
    ...(processId !== undefined && { processId: countOf(processId) }),
  };
}

export function parseOutcome(payload: Buffer): Outcome {
  const lineEnd = payload.indexOf(10);
  if (lineEnd < 0 || lineEnd > HEADER_BYTES_MAX) throw new ProtocolError('an outcome without its header');
  const bag = bagOf(payload.toString('utf8', 0, lineEnd));
  return {
    header: headerOf(bag),
    output: payload.toString('utf8', lineEnd + 1),
    outputBytes: payload.length - lineEnd - 1,
  };
}

function headerOf(bag: Bag): OutcomeHeader {
  const figures = {
    cpuUs: countOf(bag['cpuUs']),
    memoryPeakBytes: countOf(bag['memoryPeakBytes']),
    logBytes: countOf(bag['logBytes']),
  };
  const { kind } = bag;
  switch (kind) {
    case 'value':
      return { kind, ...figures };
    case 'thrown':
    case 'memory':
    case 'pending':
      return { kind, error: errorOf(bag['error']), ...figures };
    case 'refused':
      return {
        kind,
        reason: textOf(bag['reason']),
        path: textOf(bag['path']),
        message: textOf(bag['message']),
        ...figures,
      };
    default:
      throw new ProtocolError('an outcome of an unknown kind');
  }
}

/** @throws {ProtocolError} */
export function bagOf(text: string): Bag {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new ProtocolError('a header that is not JSON');
  }
  return objectOf(value);
}
function objectOf(value: unknown): Bag {
  if (typeof value !== 'object' || value === null) throw new ProtocolError('a header of a wrong shape');
  return value as Bag;
}
export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new ProtocolError('a header of a wrong shape');
  return value.slice(0, TEXT_MAX);
}
function countOf(value: unknown): number {
  if (typeof value !== 'number' || !(value >= 0)) throw new ProtocolError('a header of a wrong shape');
  return Math.min(value, Number.MAX_SAFE_INTEGER);
}
function errorOf(value: unknown): ThrownError {
  const bag = objectOf(value);
  return { name: textOf(bag['name']), message: textOf(bag['message']), stack: textOf(bag['stack']) };
}
