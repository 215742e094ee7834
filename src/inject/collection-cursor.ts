/** Walks the entries of a Map or the items of a Set. */
import type { LateCursor } from './cursors.ts';

export class CollectionCursor implements LateCursor {
  readonly content = 'map';
  readonly value: object;
  readonly open: string;
  child: unknown;
  readonly #items: readonly unknown[];
  readonly #isMap: boolean;
  #index = -1;

  /** `items`: for a Map its keys and values in turn. */
  constructor(value: object, open: string, items: readonly unknown[], isMap: boolean) {
    this.value = value;
    this.open = open;
    this.#items = items;
    this.#isMap = isMap;
  }

  get shell(): string {
    return `${this.open})`;
  }

  next(): boolean {
    if (++this.#index >= this.#items.length) return false;
    this.child = this.#items[this.#index];
    return true;
  }

  lead(): string {
    if (this.#index === 0) return this.#isMap ? '[[' : '[';
    return this.#isKey ? '],[' : ',';
  }

  close(): string {
    if (this.#items.length === 0) return ')';
    return this.#isMap ? ']])' : '])';
  }

  /** Never asked: what a collection contains is added when all that it can refer to is there. */
  access(): string {
    return '';
  }

  /** A key and its value make one call in two pieces, which the comma between statements joins. */
  late(target: string, text: string): string {
    if (!this.#isMap) return `${target}.add(${text})`;
    return this.#isKey ? `${target}.set(${text}` : `${text})`;
  }

  lateEnd(): undefined {
    return undefined;
  }

  path(parent: string): string {
    if (!this.#isMap) return `${parent}<Set item ${this.#index}>`;
    return `${parent}<Map ${this.#isKey ? 'key' : 'value'} ${this.#index >> 1}>`;
  }

  get #isKey(): boolean {
    return this.#isMap && this.#index % 2 === 0;
  }
}
