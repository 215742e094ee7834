/**
 * Any answer as valid JSON. What JSON has no word for is an object with one key that begins with `$`:
 * `{"$number":"NaN"}`, `{"$bigint":"7"}`, `{"$date":"2026-01-01T00:00:00.000Z"}`, `{"$regexp":"/a/g"}`,
 * `{"$map":[["key","value"]]}`, `{"$set":[1]}`, `{"$bytes":"AQI="}` (base64), `{"$Float64Array":[1]}`,
 * `{"$error":{"name":"Error","message":"m"}}`, and `{"$ref":"$.rows[0]"}` for a value met before (a cycle).
 * `undefined` is left out of objects and is `null` elsewhere. For reading, not for reading back.
 */

export interface ValueTextOptions {
  /** Indented by two, short arrays and objects on one line. */
  pretty?: boolean;
}

/** Values printed again in full because two places share them; beyond, `$ref`. Bounds what sharing can blow up. */
const REPEATS_MAX = 10_000;
const INLINE_WIDTH = 80;

type Item = readonly [key: string | undefined, value: unknown];

interface Frame {
  readonly source: object;
  readonly items: readonly Item[];
  readonly isArray: boolean;
  next: number;
}

/** Iterative: any depth is fine. */
export function valueText(value: unknown, { pretty = false }: ValueTextOptions = {}): string {
  const writer = new Writer(pretty);
  return writer.write(value);
}

class Writer {
  readonly #pretty: boolean;
  readonly #chunks: string[] = [];
  readonly #frames: Frame[] = [];
  /** Objects being written now. */
  readonly #open = new Set<object>();
  /** Where each object was first met, as a link to its holder. */
  readonly #met = new Map<object, { holder: object | undefined; key: string }>();
  #repeats = 0;

  constructor(pretty: boolean) {
    this.#pretty = pretty;
  }

  write(value: unknown): string {
    this.#value(value, undefined, '$');
    for (let frame = this.#frames.at(-1); frame; frame = this.#frames.at(-1)) {
      const item = frame.items[frame.next];
      if (!item) this.#close(frame);
      else this.#item(frame, item);
    }
    return this.#chunks.join('');
  }

  #item(frame: Frame, [key, value]: Item): void {
    if (frame.next > 0) this.#chunks.push(',');
    this.#newLine(this.#frames.length);
    const at = frame.next;
    frame.next += 1;
    if (key !== undefined) this.#chunks.push(quote(key), this.#pretty ? ': ' : ':');
    this.#value(value, frame.source, frame.isArray ? `[${at}]` : `.${key}`);
  }

  #value(value: unknown, holder: object | undefined, key: string): void {
    const scalar = scalarText(value);
    if (scalar !== undefined) {
      this.#chunks.push(scalar);
      return;
    }
    const source = value as object;
    if (this.#isReference(source, holder, key)) {
      this.#chunks.push(`{"$ref":${JSON.stringify(this.#pathOf(source))}}`);
      return;
    }
    const frame = open(source);
    const inline = this.#inline(frame);
    if (inline !== undefined) {
      this.#chunks.push(inline);
      return;
    }
    this.#chunks.push(frame.isArray ? '[' : '{');
    this.#open.add(source);
    this.#frames.push(frame);
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
  #inline(frame: Frame): string | undefined {
    if (frame.items.length === 0) return frame.isArray ? '[]' : '{}';
    if (!this.#pretty || frame.items.length > INLINE_WIDTH / 3) return undefined;
    const parts: string[] = [];
    for (const [key, value] of frame.items) {
      const scalar = scalarText(value);
      if (scalar === undefined) return undefined;
      parts.push(key === undefined ? scalar : `${quote(key)}: ${scalar}`);
    }
    const text = frame.isArray ? `[${parts.join(', ')}]` : `{ ${parts.join(', ')} }`;
    return text.length + this.#frames.length * 2 <= INLINE_WIDTH ? text : undefined;
  }

  #close(frame: Frame): void {
    this.#frames.pop();
    this.#open.delete(frame.source);
    this.#newLine(this.#frames.length);
    this.#chunks.push(frame.isArray ? ']' : '}');
  }

  #newLine(depth: number): void {
    if (this.#pretty) this.#chunks.push('\n', '  '.repeat(Math.min(depth, 100)));
  }
}

// DEL, C1 and the marks that reorder text: JSON lets them stand, a terminal acts on them.
const SPELLED_OUT = /[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

function quote(text: string): string {
  return JSON.stringify(text).replace(
    SPELLED_OUT,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
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
    return `{"$date":${Number.isNaN(value.getTime()) ? 'null' : JSON.stringify(value.toISOString())}}`;
  }
  if (value instanceof RegExp) return `{"$regexp":${JSON.stringify(String(value))}}`;
  if (value instanceof ArrayBuffer) return `{"$bytes":"${Buffer.from(value).toString('base64')}"}`;
  if (value instanceof DataView) {
    return `{"$bytes":"${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')}"}`;
  }
  if (value instanceof Error) {
    return `{"$error":${JSON.stringify({ name: value.name, message: value.message })}}`;
  }
  return undefined;
}

function open(source: object): Frame {
  if (Array.isArray(source)) return frameOf(source, listItems(source), true);
  if (source instanceof Map) return frameOf(source, [['$map', Array.from(source)]], false);
  if (source instanceof Set) return frameOf(source, [['$set', Array.from(source)]], false);
  if (ArrayBuffer.isView(source)) {
    const values = Array.from(source as unknown as Iterable<unknown>);
    return frameOf(source, [[`$${Object.prototype.toString.call(source).slice(8, -1)}`, values]], false);
  }
  const entries = Object.entries(source).filter(([, value]) => value !== undefined);
  return frameOf(source, entries, false);
}

/** Holes are read too: they print as `null`. */
function listItems(source: readonly unknown[]): Item[] {
  return Array.from(source, (value): Item => [undefined, value]);
}

function frameOf(source: object, items: readonly Item[], isArray: boolean): Frame {
  return { source, items, isArray, next: 0 };
}
