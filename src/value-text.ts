/**
 * Any answer as valid JSON. What JSON has no word for is an object with one key that begins with `$`:
 * `{"$number":"NaN"}`, `{"$bigint":"7"}`, `{"$date":"2026-01-01T00:00:00.000Z"}`, `{"$regexp":"/a/g"}`,
 * `{"$map":[["key","value"]]}`, `{"$set":[1]}`, `{"$bytes":"AQI="}` (base64), `{"$Float64Array":[1]}`,
 * `{"$error":{"name":"Error","message":"m"}}`, and `{"$ref":"$.rows[0]"}` for a value met before (a cycle).
 * `undefined` is left out of objects and is `null` elsewhere. An array of more than 1000 places most of which are
 * holes is `{"$sparse":{"5":"value"},"length":4294967295}`. For reading, not for reading back.
 */
import { OutputLimitError } from './errors.ts';
import { itemsOf, type Item, type Items } from './value-items.ts';

export interface ValueTextOptions {
  /** Indented by two, short arrays and objects on one line. */
  pretty?: boolean;
  /** Largest text in UTF-8 bytes; what is larger is an `OutputLimitError`. Default 256 MiB. */
  bytesMax?: number;
}

/** Values printed again in full because two places share them; beyond, `$ref`. Bounds what sharing can blow up. */
const REPEATS_MAX = 10_000;
const INLINE_WIDTH = 80;
const BYTES_MAX = 256 * 2 ** 20;
/** Pieces that are joined at once. */
const PIECES_MAX = 4_096;

interface Frame extends Items {
  readonly source: object;
  readonly rest: Iterator<Item>;
  /** How many are written. */
  count: number;
}

/**
 * Iterative: any depth is fine. Collections are read as they are written, never copied.
 * @throws {OutputLimitError} where the text is larger than `bytesMax`.
 */
export function valueText(
  value: unknown,
  { pretty = false, bytesMax = BYTES_MAX }: ValueTextOptions = {},
): string {
  return new Writer(pretty, new Text(bytesMax)).write(value);
}

/** A long text in the making, and its bound. */
class Text {
  readonly #bytesMax: number;
  readonly #blocks: string[] = [];
  #pieces: string[] = [];
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  push(...pieces: readonly string[]): void {
    for (const piece of pieces) this.#pieces.push(piece);
    if (this.#pieces.length >= PIECES_MAX) this.#join();
  }

  whole(): string {
    this.#join();
    return this.#blocks.join('');
  }

  #join(): void {
    let length = 0;
    for (const piece of this.#pieces) length += piece.length;
    // Not joined first: the pieces together may be longer than a string can be.
    if (this.#bytes + length > this.#bytesMax) throw this.#tooLarge();
    const block = this.#pieces.join('');
    this.#pieces = [];
    this.#bytes += Buffer.byteLength(block);
    if (this.#bytes > this.#bytesMax) throw this.#tooLarge();
    this.#blocks.push(block);
  }

  #tooLarge(): OutputLimitError {
    const outputBytesMax = this.#bytesMax;
    const message = `the answer, printed as JSON, is larger than ${outputBytesMax} bytes`;
    return new OutputLimitError(message, { details: { outputBytesMax } });
  }
}

class Writer {
  readonly #pretty: boolean;
  readonly #text: Text;
  readonly #frames: Frame[] = [];
  /** Objects being written now. */
  readonly #open = new Set<object>();
  /** Where each object was first met, as a link to its holder. */
  readonly #met = new Map<object, { holder: object | undefined; key: string }>();
  #repeats = 0;

  constructor(pretty: boolean, text: Text) {
    this.#pretty = pretty;
    this.#text = text;
  }

  write(value: unknown): string {
    this.#value(value, undefined, '$');
    for (let frame = this.#frames.at(-1); frame; frame = this.#frames.at(-1)) {
      const next = frame.rest.next();
      if (next.done) this.#close(frame);
      else this.#item(frame, next.value);
    }
    return this.#text.whole();
  }

  #item(frame: Frame, [key, value]: Item): void {
    if (frame.count > 0) this.#text.push(',');
    this.#newLine(this.#frames.length);
    const at = frame.count;
    frame.count += 1;
    if (key !== undefined) this.#text.push(quote(key), this.#pretty ? ': ' : ':');
    this.#value(value, frame.source, frame.isArray ? `[${at}]` : `.${key}`);
  }

  #value(value: unknown, holder: object | undefined, key: string): void {
    const scalar = scalarText(value);
    if (scalar !== undefined) {
      this.#text.push(scalar);
      return;
    }
    const source = value as object;
    if (this.#isReference(source, holder, key)) {
      this.#text.push(`{"$ref":${quote(this.#pathOf(source))}}`);
      return;
    }
    const items = itemsOf(source);
    const inline = this.#inline(items);
    if (inline !== undefined) {
      this.#text.push(inline);
      return;
    }
    this.#text.push(items.isArray ? '[' : '{');
    this.#open.add(source);
    this.#frames.push({ ...items, source, rest: items.all(), count: 0 });
  }

  #isReference(source: object, holder: object | undefined, key: string): boolean {
    if (this.#open.has(source)) return true;
    if (!this.#met.has(source)) {
      this.#met.set(source, { holder, key });
      return false;
    }
    this.#repeats += 1;
    return this.#repeats > REPEATS_MAX;
  }

  #pathOf(source: object): string {
    const keys: string[] = [];
    for (let at = this.#met.get(source); at; at = at.holder && this.#met.get(at.holder)) keys.unshift(at.key);
    return keys.join('');
  }

  /** Short lists and records of scalars read better on one line. */
  #inline({ size, isArray, all }: Items): string | undefined {
    if (size === 0) return isArray ? '[]' : '{}';
    if (!this.#pretty || size > INLINE_WIDTH / 3) return undefined;
    const parts: string[] = [];
    for (const [key, value] of all()) {
      const scalar = scalarText(value);
      if (scalar === undefined) return undefined;
      parts.push(key === undefined ? scalar : `${quote(key)}: ${scalar}`);
    }
    const text = isArray ? `[${parts.join(', ')}]` : `{ ${parts.join(', ')} }`;
    return text.length + this.#frames.length * 2 <= INLINE_WIDTH ? text : undefined;
  }

  #close(frame: Frame): void {
    this.#frames.pop();
    this.#open.delete(frame.source);
    this.#newLine(this.#frames.length);
    this.#text.push(frame.isArray ? ']' : '}');
  }

  #newLine(depth: number): void {
    if (this.#pretty) this.#text.push('\n', '  '.repeat(Math.min(depth, 100)));
  }
}

// DEL, C1, the line ends of Unicode and the marks that reorder text: JSON lets them stand, a terminal acts on them.
const SPELLED_OUT = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/** JSON text of the same meaning that is harmless on a terminal. */
export function harmlessJson(json: string): string {
  return json.replace(SPELLED_OUT, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function quote(text: string): string {
  return harmlessJson(JSON.stringify(text));
}

function scalarText(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return quote(value);
    case 'number':
      if (Number.isFinite(value)) return Object.is(value, -0) ? '-0' : String(value);
      return `{"$number":"${value}"}`;
    case 'boolean':
      return String(value);
    case 'bigint':
      return `{"$bigint":"${value}"}`;
    case 'object':
      return value === null ? 'null' : leafText(value);
    default:
      return 'null';
  }
}

/** Objects that hold no other values. */
function leafText(value: object): string | undefined {
  if (value instanceof Date) {
    return `{"$date":${Number.isNaN(value.getTime()) ? 'null' : quote(value.toISOString())}}`;
  }
  if (value instanceof RegExp) return `{"$regexp":${quote(String(value))}}`;
  if (value instanceof ArrayBuffer) return `{"$bytes":"${Buffer.from(value).toString('base64')}"}`;
  if (value instanceof DataView) {
    return `{"$bytes":"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"}`;
  }
  if (value instanceof Error) {
    return `{"$error":{"name":${quote(String(value.name))},"message":${quote(String(value.message))}}}`;
  }
  return undefined;
}
