/** Finds the parts of a value that need an entry of their own in a graph's table. */
import { types } from 'node:util';
import { atomText, type StandardNames, TooLong } from './atoms.ts';
import type { Cursor } from './cursors.ts';
import type { GraphLimits } from './graph.ts';
import { TooDeep } from './nested.ts';
import { shapeOf, type ShapeContext } from './shapes.ts';

/** Literals inside one entry are nested no deeper than this. */
const NESTING_MAX = 32;

/** The objects that become entries, in an order in which few refer to later ones; the root is last. */
export function surveyGraph(
  root: object,
  stack: Cursor[],
  names: StandardNames,
  limits: GraphLimits,
): object[] {
  const survey = new Survey(stack, names, limits);
  survey.walk(root);
  return survey.entries(root);
}

class Survey {
  readonly #stack: Cursor[];
  readonly #limits: GraphLimits;
  readonly #context: ShapeContext;
  /** How often each object is referred to. */
  readonly #references = new Map<object, number>();
  readonly #buffers = new Set<object>();
  /** Objects that are entries however often they are referred to. */
  readonly #apart = new Set<object>();
  /** Every object, parts before wholes. */
  readonly #finished: object[] = [];
  /** By container on the stack: how deep it is nested inside its entry. */
  readonly #nesting: number[] = [];
  /** A lower bound of the text's length. */
  #length = 0;

  constructor(stack: Cursor[], names: StandardNames, limits: GraphLimits) {
    this.#stack = stack;
    this.#limits = limits;
    const isOwnBuffer = (buffer: object): boolean => this.#refer(buffer) >= 0;
    const survey = (): number => this.#limits.bytesMax - this.#length;
    this.#context = {
      names,
      isOwnBuffer,
      get lengthLeft() {
        return survey();
      },
    };
  }

  walk(root: object): void {
    this.#visit(root);
    for (let cursor = this.#stack.at(-1); cursor; cursor = this.#stack.at(-1)) {
      if (cursor.next()) {
        this.#visit(cursor.child);
      } else {
        this.#stack.pop();
        this.#nesting.pop();
        this.#finished.push(cursor.value);
      }
    }
  }

  entries(root: object): object[] {
    const isEntry = (value: object): boolean =>
      value !== root && (this.#apart.has(value) || this.#references.get(value)! > 1);
    const buffers = [...this.#buffers].filter((buffer) => isEntry(buffer));
    const others = this.#finished.filter((value) => !this.#buffers.has(value) && isEntry(value));
    return [...buffers, ...others, root];
  }

  #visit(value: unknown): void {
    this.#count(2);
    const atom = atomText(value, this.#limits.bytesMax - this.#length);
    if (atom !== undefined) return this.#count(atom.length - 1);
    const object = value as object;
    if (this.#refer(object) > 1) return undefined;
    const shape = shapeOf(object, this.#context);
    if (typeof shape === 'string') {
      this.#count(shape.length);
      this.#finished.push(object);
      return undefined;
    }
    if (this.#stack.length > this.#limits.depthMax) throw new TooDeep();
    let nesting = (this.#nesting.at(-1) ?? 0) + 1;
    if (shape.content !== 'inline' || nesting > NESTING_MAX) {
      this.#apart.add(object);
      nesting = 0;
    }
    this.#stack.push(shape);
    this.#nesting.push(nesting);
    return undefined;
  }

  /** Counts a reference to an object; how many there are now. */
  #refer(value: object): number {
    const references = (this.#references.get(value) ?? 0) + 1;
    this.#references.set(value, references);
    if (types.isArrayBuffer(value)) this.#buffers.add(value);
    return references;
  }

  #count(length: number): void {
    this.#length += length;
    if (this.#length > this.#limits.bytesMax) throw new TooLong();
  }
}
