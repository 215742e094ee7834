/**
 * Which of a realm's globals a program needs. Making them all costs as much as the realm itself, and a
 * name that a program does not contain it cannot use: it is strict code, made from no strings, so the
 * global object has no other way in than its name.
 */

/** What stands in a program's text if it uses the part. */
const MARKS = {
  console: /console/,
  text: /TextEncoder|TextDecoder/,
  clones: /atob|btoa|structuredClone/,
  url: /URL/,
  timers: /Timeout|queueMicrotask/,
  events: /Event|Abort/,
  clock: /crypto|performance/,
} satisfies Record<string, RegExp>;

export type RealmPart = keyof typeof MARKS;

const PARTS = Object.keys(MARKS) as RealmPart[];
/** The global object, or a name that may be written in escapes. */
const ANY = /globalThis|\\u/;

/** `Math`, unless a method of it but `random` is named at once. */
const RANDOM = /Math(?!\.(?!random)[A-Za-z])/;

/** Whether a program may draw random numbers of the engine's. */
export function drawsRandom(sources: readonly string[]): boolean {
  return sources.some((source) => ANY.test(source) || RANDOM.test(source));
}

export function partsOf(sources: readonly string[]): readonly RealmPart[] {
  if (sources.some((source) => ANY.test(source))) return PARTS;
  return PARTS.filter((part) => sources.some((source) => MARKS[part].test(source)));
}
