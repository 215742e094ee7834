/**
 * Draws a value whose parts are shared, cyclic or deep: each such part is an entry of a table,
 * `(a=>(a[0]={…},a[1]=[…,a[0]],a[0]["k"]=a[1],a[1]))([])`. No global is named; `a` hides nothing
 * that is used inside.
 */
import type { StandardNames } from './atoms.ts';
import { isLate, type Cursor, type LateCursor } from './cursors.ts';
import { surveyGraph } from './graph-survey.ts';
import { TextSink, writeNested, type NestedRules } from './nested.ts';
import { shapeOf } from './shapes.ts';

export interface GraphLimits {
  readonly depthMax: number;
  readonly bytesMax: number;
}

/** @throws {Unwritable | TooDeep | TooLong}, with `stack` at the place where possible. */
export function drawGraph(
  root: unknown,
  stack: Cursor[],
  names: StandardNames,
  limits: GraphLimits,
): { text: string; bytes: number } {
  const entries = surveyGraph(root as object, stack, names, limits);
  const drawing = new Drawing(entries, names, limits.bytesMax);
  return drawing.draw();
}

class Drawing {
  readonly #entries: readonly object[];
  readonly #indexes: ReadonlyMap<object, number>;
  readonly #sink: TextSink;
  readonly #rules: NestedRules;
  readonly #stack: Cursor[] = [];
  /** Statements that join entries which were not both there yet. */
  readonly #joints: string[] = [];
  readonly #lateEntries: { cursor: LateCursor; target: string }[] = [];
  /** How many entries stand in the table already. */
  #drawn = 0;

  constructor(entries: readonly object[], names: StandardNames, bytesMax: number) {
    this.#entries = entries;
    this.#indexes = new Map(entries.map((entry, index) => [entry, index]));
    this.#sink = new TextSink(bytesMax);
    this.#rules = {
      names,
      reference: (value) => this.#reference(value),
      isOwnBuffer: (buffer) => !this.#indexes.has(buffer),
      enter: () => {},
    };
  }

  draw(): { text: string; bytes: number } {
    this.#sink.write('(a=>(');
    for (const entry of this.#entries) {
      this.#drawEntry(entry);
      this.#sink.write(',');
    }
    for (const joint of this.#joints) this.#sink.write(`${joint},`);
    for (const { cursor, target } of this.#lateEntries) this.#fill(cursor, target);
    this.#sink.write(`${this.#nameOf(this.#entries.length - 1)}))([])`);
    return this.#sink;
  }

  #drawEntry(entry: object): void {
    const target = this.#nameOf(this.#drawn);
    const { names } = this.#rules;
    const { isOwnBuffer } = this.#rules;
    this.#sink.write(`${target}=`);
    const shape = shapeOf(entry, { names, isOwnBuffer, lengthLeft: this.#sink.bytesLeft });
    if (typeof shape === 'string') {
      this.#sink.write(shape);
    } else if (isLate(shape)) {
      this.#sink.write(shape.shell);
      this.#lateEntries.push({ cursor: shape, target });
    } else {
      this.#drawContent(shape);
    }
    this.#drawn++;
  }

  #drawContent(cursor: Cursor): void {
    this.#stack.push(cursor);
    this.#sink.write(cursor.open);
    while (cursor.next()) {
      this.#sink.write(cursor.lead());
      writeNested(cursor.child, this.#stack, this.#sink, this.#rules);
    }
    this.#sink.write(cursor.close());
    this.#stack.pop();
  }

  /** All entries stand: whatever a late entry contains can be named. */
  #fill(cursor: LateCursor, target: string): void {
    while (cursor.next()) {
      const child = new TextSink(this.#sink.bytesLeft);
      writeNested(cursor.child, this.#stack, child, this.#rules);
      this.#sink.write(`${cursor.late(target, child.text)},`);
    }
    const end = cursor.lateEnd(target);
    if (end !== undefined) this.#sink.write(`${end},`);
  }

  #reference(value: object): string | undefined {
    const index = this.#indexes.get(value);
    if (index === undefined) return undefined;
    if (index < this.#drawn) return this.#nameOf(index);
    // A place is held in the literal, so that keys keep their order; the joint fills it.
    const access = this.#stack.map((cursor) => cursor.access()).join('');
    this.#joints.push(`${this.#nameOf(this.#drawn)}${access}=${this.#nameOf(index)}`);
    return '0';
  }

  #nameOf(index: number): string {
    return `a[${index}]`;
  }
}
