/** Values without identity as source text, and the ways to name a standard constructor. */

const SIMPLE_STRING = /^[\u0020\u0021\u0023-\u003b\u003d-\u005b\u005d-\u007e]*$/;
const UNSAFE = /[\u2028\u2029]|<(?=[/!])/g;
/** Longer strings are escaped piece by piece. */
const PIECE_LENGTH = 1_000_000;
const LARGE_BIGINT = 1n << 1_024n;

/** Why a value cannot be written; the caller knows its path. */
export class Unwritable extends Error {
  override readonly name = 'Unwritable';
}

/**
 * A string literal that stands in any JavaScript text, in a `<script>` too: line and paragraph
 * separators, lone surrogates, `</` and `<!` are escaped.
 */
export function quote(text: string): string {
  if (SIMPLE_STRING.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(UNSAFE, (unsafe) =>
    unsafe === '<' ? String.raw`\x3C` : `\\u${unsafe.charCodeAt(0).toString(16)}`,
  );
}

/** `quote` that stops as soon as escaping has made a text too long. @throws {TooLong} */
function quoteLong(text: string, lengthMax: number): string {
  let quoted = '';
  let from = 0;
  while (from < text.length) {
    let to = Math.min(from + PIECE_LENGTH, text.length);
    // What belongs together is escaped together: a surrogate pair, `</`.
    while (to < text.length && /[\ud800-\udbff<]/.test(text[to - 1]!)) to++;
    quoted += quote(text.slice(from, to)).slice(1, -1);
    if (quoted.length > lengthMax) throw new TooLong();
    from = to;
  }
  return `"${quoted}"`;
}

/** A number without naming `NaN` or `Infinity`, which a skill may shadow. */
export function numberText(value: number): string {
  if (value !== value) return '0/0';
  if (value === Infinity) return '1/0';
  if (value === -Infinity) return '-1/0';
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Thrown where a literal would be longer than what is left of the limit. */
export class TooLong extends Error {
  override readonly name = 'TooLong';
}

/** The text of a primitive; undefined for an object. @throws {Unwritable | TooLong} */
export function atomText(value: unknown, lengthMax: number): string | undefined {
  switch (typeof value) {
    case 'string':
      // Looked at first: escaping a text that is far too long would take long.
      if (value.length > lengthMax) throw new TooLong();
      return value.length > PIECE_LENGTH ? quoteLong(value, lengthMax) : quote(value);
    case 'number':
      return numberText(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'undefined':
      return 'void 0';
    case 'bigint':
      return bigintText(value);
    case 'object':
      return value === null ? 'null' : undefined;
    default:
      throw new Unwritable(`a ${typeof value}`);
  }
}

/** Decimal digits take far more than linear time for a very large number; hexadecimal ones do not. */
function bigintText(value: bigint): string {
  const isLarge = value > LARGE_BIGINT || value < -LARGE_BIGINT;
  if (!isLarge) return `${value}n`;
  return value < 0n ? `-0x${(-value).toString(16)}n` : `0x${value.toString(16)}n`;
}

/** How a literal names `Map` and the like without being misled by the skill's own names. */
export class StandardNames {
  readonly #bound: ReadonlySet<string>;

  constructor(boundNames: Iterable<string>) {
    this.#bound = new Set(boundNames);
  }

  /** An expression for the standard constructor `name`, fit to follow `new` or precede `.`. */
  get(name: string): string {
    if (!this.#bound.has('globalThis')) return `globalThis.${name}`;
    if (!this.#bound.has(name)) return name;
    // Both are shadowed: a function made from a string sees the global scope only.
    return `((()=>{}).constructor("return this")().${name})`;
  }
}
