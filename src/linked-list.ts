/**
 * A list whose members come and go thousands of times a second. A `Set` or `Map` makes itself a new table every few
 * changes; an old one that has outlived two collections leads on to those after it, so that all that was ever in them
 * lives until a full collection. What has left this list leads nowhere.
 */

export interface ListEntry<T> {
  readonly value: T;
}

class Link<T> implements ListEntry<T> {
  readonly value: T;
  /** In the order of coming. */
  readonly nth: number;
  isIn = true;
  previous: Link<T> | undefined;
  next: Link<T> | undefined;

  constructor(value: T, nth: number, previous: Link<T> | undefined) {
    this.value = value;
    this.nth = nth;
    this.previous = previous;
    this.next = undefined;
  }
}

export class LinkedList<T> {
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;
  #size = 0;
  #added = 0;

  get size(): number {
    return this.#size;
  }
  /** The one that has been in it longest. */
  get first(): T | undefined {
    return this.#first?.value;
  }

  /** At the end. What it gives is what takes it out again. */
  add(value: T): ListEntry<T> {
    const link = new Link(value, (this.#added += 1), this.#last);
    if (this.#last === undefined) this.#first = link;
    else this.#last.next = link;
    this.#last = link;
    this.#size += 1;
    return link;
  }

  /** False if it was taken out before. */
  remove(entry: ListEntry<T>): boolean {
    const link = entry as Link<T>;
    if (!link.isIn) return false;
    const { previous, next } = link;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    link.isIn = false;
    link.previous = undefined;
    link.next = undefined;
    this.#size -= 1;
    return true;
  }

  /** In order; who comes or goes meanwhile is met, or is not, as by a `Set`'s. */
  *[Symbol.iterator](): Generator<T> {
    for (let link = this.#first; link !== undefined;) {
      yield link.value;
      link = link.isIn ? link.next : this.#after(link.nth);
    }
  }

  /** Mostly the first: it is those in front that leave. */
  #after(nth: number): Link<T> | undefined {
    let link = this.#first;
    while (link !== undefined && link.nth <= nth) link = link.next;
    return link;
  }
}
