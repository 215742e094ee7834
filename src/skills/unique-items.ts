/** `uniqueItems` in linear time: ajv compares every item with every other. */

/** Told what comparing takes, before it is done; throws when that is too much. */
export type Spend = (steps: number) => void;

/** Whether two items are equal as JSON Schema means it: the same JSON value, key order aside. */
export function hasRepeats(items: readonly unknown[], spend: Spend = () => undefined): boolean {
  const identities = new Identities(spend);
  const seen = new Set<number>();
  // By index: the second hole of a sparse array ends the walk, as it repeats the first.
  for (let index = 0; index < items.length; index += 1) {
    const identity = identities.of(items[index]);
    if (seen.has(identity)) return true;
    seen.add(identity);
  }
  return false;
}

/** What a value costs beyond its members: an entry in a table or two. */
const VALUE_STEPS = 4;

/** Numbers that two values share exactly when they are equal; each object is looked at once. */
class Identities {
  readonly #spend: Spend;
  readonly #primitives = new Map<unknown, number>();
  readonly #texts = new Map<string, number>();
  readonly #objects = new WeakMap<object, number>();
  #next = 0;

  constructor(spend: Spend) {
    this.#spend = spend;
  }

  of(value: unknown): number {
    this.#spend(VALUE_STEPS + (typeof value === 'string' ? value.length >> 3 : 0));
    // A table hashes a BigInt by its lowest digits: many of a kind would be compared one by one.
    if (typeof value === 'bigint') return this.#known(this.#texts, this.#paid(`n${value.toString(16)}`));
    if (typeof value !== 'object' || value === null) return this.#known(this.#primitives, value);
    const known = this.#objects.get(value);
    if (known !== undefined) return known;
    const identity = this.#known(
      this.#texts,
      this.#paid(Array.isArray(value) ? this.#list(value) : this.#record(value)),
    );
    this.#objects.set(value, identity);
    return identity;
  }

  /** By own keys: a sparse array may be long. */
  #list(items: readonly unknown[]): string {
    let text = `${items.length}[`;
    for (const key of Object.keys(items)) {
      const index = Number(key);
      if (index < items.length) text += `${key}:${this.of(items[index])},`;
    }
    return text;
  }

  #record(value: object): string {
    let text = '{';
    for (const key of Object.keys(value).sort()) {
      const member = (value as Record<string, unknown>)[key];
      if (member !== undefined) text += `${JSON.stringify(key)}:${this.of(member)},`;
    }
    return text;
  }

  #paid(text: string): string {
    this.#spend(text.length >> 2);
    return text;
  }

  #known<Key>(table: Map<Key, number>, key: Key): number {
    let identity = table.get(key);
    if (identity === undefined) table.set(key, (identity = this.#next++));
    return identity;
  }
}
