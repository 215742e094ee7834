/**
 * Runs a program inside a realm. `makeHarness` refers to nothing outside itself: its source text is
 * compiled in the realm, and captures what it needs before any skill code runs. Skill code can reach
 * neither the harness nor the host.
 */
import type { Codec } from './codec.ts';
import type { RealmHarness, RealmHost, UnitText } from './realm-host.ts';

export function makeHarness(host: RealmHost, codec: Codec, hasStackGetter: boolean): RealmHarness {
  'use strict';
  interface Unit {
    readonly factory: (scope: unknown) => () => unknown;
    readonly fileName: string;
    readonly parameters: string;
    readonly holes: readonly string[];
    readonly links: UnitText[3];
    readonly shifts: UnitText[4];
  }
  type Bag = Record<string, unknown>;
  interface Data {
    readonly inputs: Bag;
    readonly context: Bag;
    readonly parameters: Bag;
  }
  interface Candidate {
    readonly kind: 'default' | 'function' | 'binding' | 'expression';
    readonly value: unknown;
  }

  const { apply } = Reflect;
  const { isArray } = Array;
  const { parse, stringify } = JSON;
  const { hasOwn, keys, getPrototypeOf, setPrototypeOf, getOwnPropertyDescriptor, defineProperty } = Object;
  const call = Function.prototype.call;
  const bound = call.bind(call) as (method: unknown, self: unknown, ...rest: unknown[]) => unknown;
  const { exec } = RegExp.prototype;
  const { slice, split } = globalThis.String.prototype as unknown as { slice: unknown; split: unknown };
  const { String, TypeError } = globalThis;
  const ObjectPrototype = Object.prototype;
  const { Error } = globalThis as { Error: ErrorConstructor };
  const stackGetter = hasStackGetter ? getterOfStacks() : undefined;
  const TEXT_MAX = 16_384;
  const VALUE_MAX = 1_000;
  const STACK_LINES_MAX = 50;
  const ALLOCATION =
    /^(?:Array buffer allocation failed|Invalid (?:typed )?array (?:buffer )?length: out of memory)|^WebAssembly\.Memory(?:\.grow)?\(\): (?:could not allocate|Unable to grow instance) memory/;
  const units: Unit[] = setPrototypeOf([], null);

  const textSlice = (text: string, from: number, to: number) => bound(slice, text, from, to) as string;
  const isPlain = (value: unknown): value is Bag => {
    if (typeof value !== 'object' || value === null || host.isProxy(value) || isArray(value)) return false;
    const prototype = getPrototypeOf(value);
    return prototype === ObjectPrototype || prototype === null;
  };

  function getterOfStacks(): (() => unknown) | undefined {
    const { stackTraceLimit } = Error;
    // An error without frames is made at a tenth of the cost.
    Error.stackTraceLimit = 0;
    const get = getOwnPropertyDescriptor(new Error(), 'stack')?.get;
    Error.stackTraceLimit = stackTraceLimit;
    return get;
  }

  function addUnit(factory: unknown, text: string): void {
    const { 0: fileName, 1: parameters, 2: holes, 3: links, 4: shifts } = parse(text) as UnitText;
    const unit = { __proto__: null, factory, fileName, parameters, holes, links, shifts };
    units[units.length] = unit as unknown as Unit;
  }

  function run(text: string, outputBytesMax: number): void {
    try {
      const { inputs, context, parameters } = codec.decode(text, { depthMax: Infinity }) as Data;
      const unit = units[0] as Unit;
      const data = { inputs, context, parameters: merged(ownParameters(unit), parameters) };
      const answer = evaluate(unit, data, [inputs, context]);
      if (isSettled(answer)) succeed(answer, outputBytesMax);
      else void settle(answer, outputBytesMax);
    } catch (thrown) {
      fail(thrown);
    }
  }
  async function settle(answer: unknown, outputBytesMax: number): Promise<void> {
    try {
      succeed(await answer, outputBytesMax);
    } catch (thrown) {
      fail(thrown);
    }
  }
  /** Whether awaiting the answer would change nothing. */
  function isSettled(answer: unknown): boolean {
    if (typeof answer !== 'object' || answer === null) return typeof answer !== 'function';
    return !host.isProxy(answer) && typeof (answer as { then?: unknown }).then !== 'function';
  }
  function succeed(answer: unknown, outputBytesMax: number): void {
    let output: string;
    try {
      output = codec.encode(answer, { bytesMax: outputBytesMax, root: 'output' });
    } catch (thrown) {
      if (!codec.isFailure(thrown)) throw thrown;
      host.fail(
        stringify({
          __proto__: null,
          kind: 'refused',
          reason: thrown.reason,
          path: thrown.path,
          message: thrown.message,
        }),
      );
      return;
    }
    host.succeed(output);
  }
  function fail(thrown: unknown): void {
    const error = describe(thrown);
    const isMemory = error.name === 'RangeError' && bound(exec, ALLOCATION, error.message) !== null;
    host.fail(stringify({ __proto__: null, kind: isMemory ? 'memory' : 'thrown', error }));
  }
  function starve(): void {
    const message = "the skill's promise can never settle: nothing is left that could run";
    host.fail(
      stringify({
        __proto__: null,
        kind: 'pending',
        error: { __proto__: null, name: 'Error', message, stack: '' },
      }),
    );
  }

  const ownParameters = (unit: Unit) => codec.decode(unit.parameters, { depthMax: Infinity }) as Bag;
  /** Later ones win; keys are own, also one named `__proto__`. */
  function merged(...sources: readonly (Bag | undefined)[]): Bag {
    const result: Bag = {};
    for (let i = 0; i < sources.length; i += 1) {
      const source = sources[i];
      if (source === undefined) continue;
      const names = keys(source);
      for (let j = 0; j < names.length; j += 1) {
        const name = names[j] as string;
        defineProperty(result, name, {
          __proto__: null,
          value: source[name],
          writable: true,
          enumerable: true,
          configurable: true,
        } as PropertyDescriptor);
      }
    }
    return result;
  }

  function evaluate(unit: Unit, data: Data, args: readonly unknown[]): unknown {
    const body = unit.factory(scopeOf(unit, data));
    const candidates = body();
    // An async body gives a promise of its candidates.
    if (isArray(candidates)) return choose(candidates as Candidate[], args);
    return later(candidates, args);
  }
  async function later(candidates: unknown, args: readonly unknown[]): Promise<unknown> {
    return choose((await candidates) as Candidate[], args);
  }
  function choose(candidates: readonly Candidate[], args: readonly unknown[]): unknown {
    for (let i = 0; i < candidates.length; i += 1) {
      const { kind, value } = candidates[i] as Candidate;
      const isFunction = typeof value === 'function';
      if (isFunction && (kind === 'default' || kind === 'function')) return apply(value, undefined, args);
      if (kind !== 'function') return value;
    }
    return undefined;
  }
  function scopeOf(unit: Unit, data: Data): unknown {
    const has: boolean[] = setPrototypeOf([], null);
    const values: unknown[] = setPrototypeOf([], null);
    for (let i = 0; i < unit.holes.length; i += 1) {
      const name = unit.holes[i] as string;
      const source =
        name === 'inputs' || name === 'context' || name === 'parameters' ? data : sourceOf(name, data);
      has[i] = source !== undefined;
      values[i] = source === undefined ? undefined : (source as Bag)[name];
    }
    return { __proto__: null, has, values, links: linksOf(unit), inputs: data.inputs, context: data.context };
  }
  function sourceOf(name: string, data: Data): Bag | undefined {
    if (hasOwn(data.inputs, name)) return data.inputs;
    if (hasOwn(data.context, name)) return data.context;
    return hasOwn(data.parameters, name) ? data.parameters : undefined;
  }
  function linksOf(unit: Unit): Bag {
    const links = { __proto__: null } as unknown as Bag;
    for (let i = 0; i < unit.links.length; i += 1) {
      const { 0: name, 1: index } = unit.links[i] as UnitText[3][number];
      const target = units[index];
      const link = (...args: unknown[]) => {
        if (target === undefined) throw new TypeError(`the skill ${name} is not linked`);
        return callLinked(target, args);
      };
      defineProperty(link, 'name', {
        __proto__: null,
        value: name,
        configurable: true,
      } as PropertyDescriptor);
      links[name] = link;
    }
    return links;
  }
  /** Each call evaluates the required skill afresh, filled from its own parameters and plain arguments. */
  function callLinked(unit: Unit, args: readonly unknown[]): unknown {
    const inputs = isPlain(args[0]) ? args[0] : {};
    const context = isPlain(args[1]) ? args[1] : {};
    return evaluate(unit, { inputs, context, parameters: ownParameters(unit) }, args);
  }

  /** Getters of a thrown value may run, and loop, until the deadline. */
  function describe(thrown: unknown): { name: string; message: string; stack: string } {
    const plain = { __proto__: null, name: 'Error', message: '', stack: '' };
    try {
      if (typeof thrown !== 'object' || thrown === null) {
        const isPlainWord = typeof thrown === 'string' || thrown === undefined || thrown === null;
        plain.message = `${isPlainWord ? '' : `${typeof thrown} `}${String(thrown)} was thrown`;
      } else if (host.isProxy(thrown)) {
        plain.message = 'a proxy was thrown';
      } else {
        const { name, message } = thrown as { name?: unknown; message?: unknown };
        if (typeof name === 'string') plain.name = name;
        plain.message = typeof message === 'string' ? message : `${valueOf(thrown)} was thrown`;
        plain.stack = skillStack(thrown);
      }
    } catch {
      plain.message = 'a value that cannot be described was thrown';
    }
    plain.name = textSlice(plain.name, 0, 256);
    plain.message = textSlice(plain.message, 0, TEXT_MAX);
    const heading = plain.message === '' ? plain.name : `${plain.name}: ${plain.message}`;
    plain.stack = heading + plain.stack;
    return plain;
  }
  function valueOf(thrown: object): string {
    let text: unknown;
    try {
      text = stringify(thrown);
    } catch {
      // A cycle, a BigInt: told as below.
    }
    return typeof text === 'string' ? textSlice(text, 0, VALUE_MAX) : 'an object that is no error';
  }
  /** The frames that are the skill's own, each on a line of its own; those of the harness are left out. */
  function skillStack(thrown: object): string {
    const descriptor = getOwnPropertyDescriptor(thrown, 'stack');
    if (descriptor === undefined) return '';
    const isNative = descriptor.get !== undefined && descriptor.get === stackGetter;
    const stack: unknown = isNative ? apply(stackGetter as () => unknown, thrown, []) : descriptor.value;
    if (typeof stack !== 'string') return '';
    const lines = bound(split, textSlice(stack, 0, 4 * TEXT_MAX), '\n') as string[];
    let out = '';
    let count = 0;
    for (let i = 0; i < lines.length && count < STACK_LINES_MAX; i += 1) {
      const frame = frameOf(lines[i] as string);
      if (frame === '') continue;
      out += `\n    at ${frame}`;
      count += 1;
    }
    return textSlice(out, 0, 2 * TEXT_MAX);
  }
  function isOwn(fileName: string): boolean {
    for (let i = 0; i < units.length; i += 1) if ((units[i] as Unit).fileName === fileName) return true;
    return false;
  }
  function frameOf(line: string): string {
    const match = bound(exec, /^ +at (?:(.*) \()?(.*):(\d+):(\d+)\)?$/, line) as
      | (string | undefined)[]
      | null;
    if (match === null) return '';
    const file = match[2];
    for (let i = 0; i < units.length; i += 1) {
      const unit = units[i] as Unit;
      if (unit.fileName !== file) continue;
      const lineNumber = +(match[3] as string);
      const place = `${file}:${lineNumber}:${columnOf(unit, lineNumber, +(match[4] as string))}`;
      // The template's own wrapper has no name in the skill.
      return match[1] === undefined ? place : `${match[1]} (${place})`;
    }
    return '';
  }
  /** Takes back the columns by which inserted text moved what stands behind it. */
  function columnOf(unit: Unit, line: number, column: number): number {
    let own = column;
    for (let i = 0; i < unit.shifts.length; i += 1) {
      const { 0: at, 1: from, 2: shift } = unit.shifts[i] as UnitText[4][number];
      if (at !== line || own < from) continue;
      own = own - shift < from ? from : own - shift;
    }
    return own;
  }
  return { addUnit, run, reject: fail, starve, isOwn };
}
