/** What a realm and its host say to each other, in process. */

import type { isJsonPure } from './codec-pure.ts';

/** What the host lends to a realm: primitives in, primitives out, except for the first two. */
export interface RealmHost {
  isProxy(value: object): boolean;
  /** Looks at a value, and calls nothing of it. */
  isJsonPure: typeof isJsonPure;
  /** One line of console output. */
  log(text: string): void;
  /** Calls the realm's `fire(id)` after `ms`. */
  startTimer(id: number, ms: number): void;
  stopTimer(id: number): void;
  /** Milliseconds since the run began. */
  elapsedMs(): number;
  /** `count` random bytes, each as one character code. */
  randomBytes(count: number): string;
  /** A URL's parts as JSON, after setting `part` to `value` if `part` is not empty; '' if it is none. */
  url(part: string, value: string, base: string): string;
  /**
   * Sends a request to the parent: an `AskHeader` as JSON, and a body as text or as one character a byte.
   * False if it is too large.
   */
  ask(header: string, body: string, isText: boolean): boolean;
  /** The text of bytes in UTF-8, given as one character each. */
  utf8(bytes: string): string;
  /** Notes the use of what is withheld. */
  withhold(name: string): void;
  /** The run's end; only the first counts. */
  succeed(output: string): void;
  fail(outcome: string): void;
}

/** What a harness is told of a unit, as JSON. Arrays, since each key of an object costs a fresh realm a hidden class. */
export type UnitText = readonly [
  fileName: string,
  /** Default data, as codec text. */
  parameters: string,
  holes: readonly string[],
  /** Names of other skills, and which units these are; -1 for none. */
  links: readonly (readonly [name: string, unit: number])[],
  shifts: readonly (readonly [line: number, column: number, shift: number])[],
];

/** What the host may call in a realm. Arguments are primitives or this realm's own functions. */
export interface RealmHarness {
  /** `text` is a `UnitText`. */
  addUnit(factory: unknown, text: string): void;
  run(data: string, outputBytesMax: number): void;
  /** A value thrown where no harness frame was near: an unhandled rejection. */
  reject(thrown: unknown): void;
  /** The end of an event loop that has nothing left to do. */
  starve(): void;
  /** Whether a file of that name is skill code. */
  isOwn(fileName: string): boolean;
}
