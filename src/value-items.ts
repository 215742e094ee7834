/** What a collection prints, read piece by piece: a large one is never copied, the holes of a sparse array never made. */

export type Item = readonly [key: string | undefined, value: unknown];

export interface Items {
  readonly isArray: boolean;
  /** How many items there are. */
  readonly size: number;
  /** From the first one, each time. */
  readonly all: () => IterableIterator<Item>;
}

/** A list under a key such as `$map`, read from its collection. */
class Listed {
  readonly size: number;
  readonly values: Iterable<unknown>;

  constructor(size: number, values: Iterable<unknown>) {
    this.size = size;
    this.values = values;
  }
}

/** The places of a sparse array that are taken. */
class Taken {
  readonly array: readonly unknown[];

  constructor(array: readonly unknown[]) {
    this.array = array;
  }
}

export function itemsOf(source: object): Items {
  if (Array.isArray(source)) return isSparse(source) ? sparse(source) : list(source.length, source);
  if (source instanceof Listed) return list(source.size, source.values);
  if (source instanceof Taken) return record(source.array, placesTaken(source.array));
  if (source instanceof Map) return single('$map', new Listed(source.size, source));
  if (source instanceof Set) return single('$set', new Listed(source.size, source));
  if (ArrayBuffer.isView(source)) {
    const view = source as ArrayBufferView & ArrayLike<unknown> & Iterable<unknown>;
    const name = Object.prototype.toString.call(source).slice(8, -1);
    return single(`$${name}`, new Listed(view.length, view));
  }
  const bag = source as Readonly<Record<string, unknown>>;
  return record(
    bag,
    Object.keys(bag).filter((key) => bag[key] !== undefined),
  );
}

/** Holes are read too: they print as `null`. */
function list(size: number, values: Iterable<unknown>): Items {
  return {
    isArray: true,
    size,
    *all() {
      for (const value of values) yield [undefined, value];
    },
  };
}

function record(source: object, keys: readonly string[]): Items {
  const bag = source as Readonly<Record<string, unknown>>;
  return {
    isArray: false,
    size: keys.length,
    *all() {
      for (const key of keys) yield [key, bag[key]];
    },
  };
}

function single(key: string, value: unknown): Items {
  return record({ [key]: value }, [key]);
}

function sparse(source: readonly unknown[]): Items {
  return record({ $sparse: new Taken(source), length: source.length }, ['$sparse', 'length']);
}

/** From this many places on, an array that is mostly holes prints as what it holds. */
const SPARSE_LENGTH = 1_000;
const LOOKED_AT_MAX = 1_000_000;

function isSparse(source: readonly unknown[]): boolean {
  if (source.length <= SPARSE_LENGTH) return false;
  const looked = Math.min(source.length, LOOKED_AT_MAX);
  let taken = 0;
  for (let at = 0; at < looked && taken * 2 < looked; at += 1) if (Object.hasOwn(source, at)) taken += 1;
  return taken * 2 < looked;
}

function placesTaken(source: readonly unknown[]): string[] {
  return Object.keys(source).filter((key) => /^(?:0|[1-9]\d*)$/.test(key) && Number(key) < source.length);
}
