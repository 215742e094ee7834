/** Writes a value as nested literals, iteratively; what is shared is asked of the caller. */
import { atomText, type StandardNames, TooLong } from './atoms.ts';
import type { Cursor } from './cursors.ts';
import { shapeOf } from './shapes.ts';

/** Thrown where a value is nested deeper than the limit. */
export class TooDeep extends Error {
  override readonly name = 'TooDeep';
}

/** Text under a limit of bytes. */
export class TextSink {
  text = '';
  bytes = 0;
  readonly bytesMax: number;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  write(piece: string): void {
    this.bytes += piece.length === 1 ? 1 : Buffer.byteLength(piece);
    if (this.bytes > this.bytesMax) throw new TooLong();
    this.text += piece;
  }

  get bytesLeft(): number {
    return this.bytesMax - this.bytes;
  }
}

export interface NestedRules {
  readonly names: StandardNames;
  /** The text that stands for an object written elsewhere; undefined to write it here. */
  reference(value: object): string | undefined | void;
  isOwnBuffer(buffer: object): boolean;
  /** Called before a container's content is written here. */
  enter(cursor: Cursor): void;
}

/** Appends the literal of `root`. `stack` gains and loses the containers around the value at hand. */
export function writeNested(root: unknown, stack: Cursor[], sink: TextSink, rules: NestedRules): void {
  const floor = stack.length;
  let value = root;
  for (;;) {
    const cursor = begin(value, sink, rules);
    if (cursor) stack.push(cursor);
    // Close what has no more children.
    let top = stack.length > floor ? stack.at(-1) : undefined;
    while (top && !top.next()) {
      sink.write(top.close());
      stack.pop();
      top = stack.length > floor ? stack.at(-1) : undefined;
    }
    if (!top) return;
    sink.write(top.lead());
    value = top.child;
  }
}

/** Writes a value without content, or the opening of one that has. */
function begin(value: unknown, sink: TextSink, rules: NestedRules): Cursor | undefined {
  const text = atomText(value, sink.bytesLeft);
  if (text !== undefined) {
    sink.write(text);
    return undefined;
  }
  const object = value as object;
  const reference = rules.reference(object);
  if (reference) {
    sink.write(reference);
    return undefined;
  }
  const shape = shapeOf(object, {
    names: rules.names,
    lengthLeft: sink.bytesLeft,
    isOwnBuffer: rules.isOwnBuffer,
  });
  if (typeof shape === 'string') {
    sink.write(shape);
    return undefined;
  }
  rules.enter(shape);
  sink.write(shape.open);
  return shape;
}
