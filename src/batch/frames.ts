/** Cuts bytes into inputs, and says where each ends: lines, records of a CSV, or elements of a JSON array. */
import type { BatchFormat } from '../batch-options.ts';

export interface Frame {
  /** Undefined where it was larger than its bound. */
  readonly bytes: Buffer | undefined;
  /** Position behind it, from which reading can go on. */
  readonly end: number;
  /** Where it begins, from 1. */
  readonly line: number;
  /** Line breaks up to `end`. */
  readonly lines: number;
  /** What is wrong with the text around it, if anything: what follows it cannot be told apart. */
  readonly problem?: string;
}

export interface FrameStart {
  readonly position: number;
  readonly lines: number;
}

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const MARK = Buffer.from('\uFEFF');

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** What is held of a block and of the frame that began before it. */
abstract class Frames {
  protected block: Buffer = Buffer.alloc(0);
  /** In `block`: where the scan goes on, and where the frame under way begins. */
  protected at = 0;
  protected start = 0;
  protected isOver = false;
  protected line: number;
  #position: number;
  #lines: number;
  #isSkipping = false;
  readonly #bytesMax: number;

  constructor({ position, lines }: FrameStart, bytesMax: number) {
    this.#position = position;
    this.#lines = lines;
    this.line = lines + 1;
    this.#bytesMax = bytesMax;
  }

  push(block: Buffer): void {
    const rest = this.block.subarray(this.start);
    this.at -= this.start;
    this.#position += this.start;
    this.start = 0;
    if (this.#isSkipping || rest.length > this.#bytesMax) {
      this.#isSkipping = true;
      this.#position += rest.length;
      this.at -= rest.length;
      this.block = block;
    } else {
      this.block = rest.length === 0 ? block : Buffer.concat([rest, block]);
    }
    if (this.#position === 0 && this.block.subarray(0, 3).equals(MARK)) {
      this.start = 3;
      this.at = Math.max(this.at, 3);
    }
  }

  /** There is no more to come. */
  end(): void {
    this.isOver = true;
  }

  /** The next whole one, in what was pushed. */
  abstract next(): Frame | undefined;

  /** Of what is too large the beginning is gone. */
  protected get isSkipping(): boolean {
    return this.#isSkipping;
  }

  protected sawLine(): void {
    this.#lines += 1;
  }

  protected begins(): void {
    this.line = this.#lines + 1;
  }

  /** The frame from `start` to `to`; reading goes on at `next`. */
  protected cut(to: number, next: number, problem?: string): Frame {
    const isTooLarge = this.#isSkipping || to - this.start > this.#bytesMax;
    this.#isSkipping = false;
    const frame = {
      bytes: isTooLarge ? undefined : this.block.subarray(this.start, to),
      end: this.#position + next,
      line: this.line,
      lines: this.#lines,
      ...(problem !== undefined && { problem }),
    };
    this.start = next;
    this.at = next;
    this.line = this.#lines + 1;
    return frame;
  }
}

/** Lines, the empty ones left out. */
class Lines extends Frames {
  next(): Frame | undefined {
    for (;;) {
      const newline = this.block.indexOf(NEWLINE, this.at);
      if (newline < 0) {
        this.at = this.block.length;
        return this.isOver ? this.#last() : undefined;
      }
      this.sawLine();
      const frame = this.cut(newline, newline + 1);
      if (!isEmpty(frame)) return frame;
    }
  }

  #last(): Frame | undefined {
    if (this.start >= this.block.length) return undefined;
    const frame = this.cut(this.block.length, this.block.length);
    return isEmpty(frame) ? undefined : frame;
  }
}

/** Lines, but for line breaks within quotes. A quote opens a field only where the field begins: one within is text. */
class Records extends Frames {
  #isQuoted = false;
  /** Behind a comma; or behind a closing quote, of which a second one makes a quote that is text. */
  #mayOpen = false;

  next(): Frame | undefined {
    for (; this.at < this.block.length; this.at += 1) {
      const byte = this.block[this.at];
      const opens = this.#mayOpen || (this.at === this.start && !this.isSkipping);
      this.#mayOpen = !this.#isQuoted ? byte === COMMA : byte === QUOTE;
      if (byte === QUOTE) this.#isQuoted = !this.#isQuoted && opens;
      if (byte !== NEWLINE) continue;
      this.sawLine();
      if (this.#isQuoted) continue;
      const frame = this.cut(this.at, this.at + 1);
      if (!isEmpty(frame)) return frame;
      this.at -= 1;
    }
    if (!this.isOver || this.start >= this.block.length) return undefined;
    const problem = this.#isQuoted ? 'a quote is not closed' : undefined;
    const frame = this.cut(this.block.length, this.block.length, problem);
    return isEmpty(frame) ? undefined : frame;
  }
}

type Place = 'before' | 'first' | 'next' | 'element' | 'after' | 'behind';

/** The elements of one array. */
class Elements extends Frames {
  #place: Place;
  #depth = 0;
  #isQuoted = false;
  #isEscaped = false;
  /** Nothing behind can be read. */
  #isBroken = false;

  constructor(start: FrameStart, bytesMax: number) {
    super(start, bytesMax);
    this.#place = start.position === 0 ? 'before' : 'after';
  }

  next(): Frame | undefined {
    if (this.#isBroken) this.at = this.start = this.block.length;
    while (this.at < this.block.length) {
      const byte = this.block[this.at] ?? 0;
      if (byte === NEWLINE) this.sawLine();
      const frame = this.#place === 'element' ? this.#inside(byte) : this.#between(byte);
      if (frame) return frame;
    }
    if (!this.isOver || this.#place === 'behind') return undefined;
    this.#place = 'behind';
    this.begins();
    return this.cut(this.block.length, this.block.length, 'the array does not end');
  }

  #between(byte: number): Frame | undefined {
    if (isBlank(byte)) {
      this.#skip();
    } else if (this.#place === 'before' && byte === OPEN) {
      this.#skip();
      this.#place = 'first';
    } else if (this.#place === 'after' && byte === COMMA) {
      this.#skip();
      this.#place = 'next';
    } else if ((this.#place === 'after' || this.#place === 'first') && byte === CLOSE) {
      this.#skip();
      this.#place = 'behind';
    } else if (this.#place === 'first' || this.#place === 'next') {
      this.#place = 'element';
      this.begins();
    } else {
      const problem =
        this.#place === 'before' ? 'it is no JSON array' : 'more follows where the array should end';
      this.#place = 'behind';
      this.#isBroken = true;
      this.begins();
      return this.cut(this.block.length, this.block.length, problem);
    }
    return undefined;
  }

  #skip(): void {
    this.at += 1;
    this.start = this.at;
  }

  #inside(byte: number): Frame | undefined {
    if (this.#isQuoted) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#isQuoted = false;
    } else if (byte === QUOTE) this.#isQuoted = true;
    else if (byte === OPEN || byte === OPEN_BRACE) this.#depth += 1;
    else if (this.#depth > 0 && (byte === CLOSE || byte === CLOSE_BRACE)) this.#depth -= 1;
    else if (this.#depth === 0 && (byte === COMMA || byte === CLOSE)) {
      this.#place = 'after';
      return this.cut(this.at, this.at);
    }
    this.at += 1;
    return undefined;
  }
}

function isEmpty({ bytes }: Frame): boolean {
  if (bytes === undefined) return false;
  for (const byte of bytes) if (!isBlank(byte)) return false;
  return true;
}

export type { Frames };

export function framesOf(format: BatchFormat, start: FrameStart, bytesMax: number): Frames {
  switch (format) {
    case 'ndjson':
      return new Lines(start, bytesMax);
    case 'csv':
      return new Records(start, bytesMax);
    case 'json':
      return new Elements(start, bytesMax);
    default:
      throw new Error(`unreachable: ${format satisfies never}`);
  }
}
