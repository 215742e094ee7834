/** A value as text for people: of bounded length, and made in bounded time whatever the value is. */
import { inspect, types } from 'node:util';
import { setOwn, shorten } from './plain-json.ts';

const LENGTH_MAX = 500;
const DEPTH_MAX = 4;
const MEMBERS_MAX = 20;
/** Parts of a value that are looked at. */
const PARTS_MAX = 500;
const BIGINT_MAX = 2n ** 1_024n;

export function show(value: unknown): string {
  const text = inspect(new Excerpt().of(value, 0), {
    depth: DEPTH_MAX,
    maxArrayLength: MEMBERS_MAX,
    maxStringLength: 200,
    breakLength: Infinity,
    customInspect: false,
    getters: false,
  });
  return shorten(text, LENGTH_MAX);
}

/** What `inspect` would show of a value, and little more: it lists every key and every digit. */
class Excerpt {
  #partsLeft = PARTS_MAX;
  /** The objects around the one being copied: a cycle leads to its copy. */
  readonly #open = new Map<object, object>();

  of(value: unknown, depth: number): unknown {
    if (typeof value === 'bigint' && (value > BIGINT_MAX || value < -BIGINT_MAX))
      return '(a very large BigInt)';
    if (typeof value !== 'object' || value === null || types.isProxy(value)) return value;
    const known = this.#open.get(value);
    if (known !== undefined) return known;
    const isList = Array.isArray(value);
    if (--this.#partsLeft < 0 || depth > DEPTH_MAX) return isList ? ['…'] : { '…': '…' };
    if (isList) return this.#list(value, depth);
    if (types.isMap(value)) {
      return this.#within(value, new Map<unknown, unknown>(), (copy) => {
        for (const [key, item] of firstOf(value)) copy.set(this.of(key, depth + 1), this.of(item, depth + 1));
      });
    }
    if (types.isSet(value)) {
      return this.#within(value, new Set<unknown>(), (copy) => {
        for (const item of firstOf(value)) copy.add(this.of(item, depth + 1));
      });
    }
    const isPlain = Object.prototype.toString.call(value) === '[object Object]';
    return isPlain ? this.#record(value, depth) : value;
  }

  /** As long as the original, so that the items left out are counted. */
  #list(items: readonly unknown[], depth: number): unknown[] {
    return this.#within(items, [] as unknown[], (copy) => {
      copy.length = items.length;
      for (let index = 0; index < Math.min(items.length, MEMBERS_MAX); index += 1) {
        if (index in items) copy[index] = this.of(items[index], depth + 1);
      }
    });
  }

  #record(value: object, depth: number): object {
    return this.#within(
      value,
      Object.create(Object.getPrototypeOf(value) as object | null) as object,
      (copy) => {
        const keys = Object.keys(value);
        for (const key of keys.slice(0, MEMBERS_MAX)) {
          const member = Object.getOwnPropertyDescriptor(value, key)?.value as unknown;
          setOwn(copy, shorten(key, LENGTH_MAX), this.of(member, depth + 1));
        }
        if (keys.length > MEMBERS_MAX) setOwn(copy, '…', `${keys.length - MEMBERS_MAX} more`);
      },
    );
  }

  #within<Copy extends object>(value: object, copy: Copy, fill: (copy: Copy) => void): Copy {
    this.#open.set(value, copy);
    fill(copy);
    this.#open.delete(value);
    return copy;
  }
}

/** One more than are shown, so that it is told that there are more. */
function firstOf<Item>(items: Iterable<Item>): Item[] {
  const found: Item[] = [];
  for (const item of items) {
    found.push(item);
    if (found.length > MEMBERS_MAX) break;
  }
  return found;
}
