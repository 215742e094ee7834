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
  isIn = true;
  previous: Link<T> | undefined;
  next: Link<T> | undefined;

  constructor(value: T, previous: Link<T> | undefined) {
    this.value = value;
    this.previous = previous;
    this.next = undefined;
  }
}

export class LinkedList<T> {
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }
  /** The one that has been in it longest. */
  get first(): T | undefined {
    return this.#first?.value;
  }

  /** At the end. What it gives is what takes it out again. */
  add(value: T): ListEntry<T> {
    const link = new Link(value, this.#last);
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

  /** In order; those at hand when it begins, as far as they are still in it when their turn comes. */
  *[Symbol.iterator](): Generator<T> {
    const links: Link<T>[] = [];
    for (let link = this.#first; link !== undefined; link = link.next) links.push(link);
    for (const link of links) if (link.isIn) yield link.value;
  }
}
