/** What an object is, told without running any of its code, and how its literal is framed. */
import { types } from 'node:util';
import { numberText, quote, type StandardNames, TooLong, Unwritable } from './atoms.ts';
import * as builtins from './builtins.ts';
import { CollectionCursor } from './collection-cursor.ts';
import { ArrayCursor, type Cursor, ObjectCursor, type Part, PartsCursor } from './cursors.ts';
import { hasOtherNature, stepsToObjectPrototype } from './plain.ts';

export interface ShapeContext {
  readonly names: StandardNames;
  /** Most characters that may still be written. */
  readonly lengthLeft: number;
  /** Whether nothing else refers to a buffer, so that a view of all of it can stand for both. */
  isOwnBuffer(buffer: object): boolean;
}

/** The text of an object without children, or a cursor over them. @throws {Unwritable | TooLong} */
export function shapeOf(value: object, context: ShapeContext): string | Cursor {
  if (types.isProxy(value)) throw new Unwritable('a proxy');
  if (Array.isArray(value)) return arrayShape(value, context);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null && !types.isModuleNamespaceObject(value)) return objectShape(value, false, context);
  if (prototype === Object.prototype) {
    const cursor = objectShape(value, true, context);
    // Asked only of objects that show no properties: the usual ones are told fast.
    if (cursor.lengthMin > 0 || !hasOtherNature(value)) return cursor;
  }
  return builtInShape(value, context);
}

function objectShape(value: object, hasPrototype: boolean, { lengthLeft }: ShapeContext): ObjectCursor {
  const cursor = new ObjectCursor(value, hasPrototype);
  if (cursor.lengthMin > lengthLeft) throw new TooLong();
  return cursor;
}

function arrayShape(value: unknown[], { lengthLeft }: ShapeContext): Cursor {
  // A slot takes two characters at least, `0,`; a hole is charged the same, without looking.
  if (value.length * 2 > lengthLeft + 2) throw new TooLong();
  if (stepsToObjectPrototype(value) !== 2) throw new Unwritable('an instance of a class');
  return new ArrayCursor(value);
}

function builtInShape(value: object, context: ShapeContext): string | Cursor {
  const steps = stepsToObjectPrototype(value);
  if (types.isNativeError(value)) return errorShape(value, context);
  if (types.isArrayBufferView(value)) return viewShape(value, steps, context);
  const kind = steps === 2 ? kindOf(value) : undefined;
  switch (kind) {
    case 'Date':
      return `new ${context.names.get('Date')}(${numberText(builtins.dateTime(value))})`;
    case 'RegExp':
      return regExpText(value, context);
    case 'ArrayBuffer':
      return bufferText(value, context);
    case 'Map':
    case 'Set':
      return collectionShape(value, kind, context);
    default:
      if (steps === 1 && !hasOtherNature(value)) return objectShape(value, true, context);
      throw new Unwritable(refusedKind(value));
  }
}

function kindOf(value: object): 'Date' | 'RegExp' | 'Map' | 'Set' | 'ArrayBuffer' | undefined {
  if (types.isDate(value)) return 'Date';
  if (types.isRegExp(value)) return 'RegExp';
  if (types.isMap(value)) return 'Map';
  if (types.isSet(value)) return 'Set';
  return types.isArrayBuffer(value) ? 'ArrayBuffer' : undefined;
}

function refusedKind(value: object): string {
  if (types.isPromise(value)) return 'a promise';
  if (types.isBoxedPrimitive(value)) return 'a boxed primitive';
  if (types.isSharedArrayBuffer(value)) return 'a shared array buffer';
  if (types.isWeakMap(value) || types.isWeakSet(value)) return 'a weak collection';
  return 'an instance of a class';
}

function regExpText(value: object, { names }: ShapeContext): string {
  const source = builtins.regExpSource(value);
  const flags = builtins.regExpFlags(value);
  const literal = `/${source}/${flags}`;
  // What a literal cannot show without changing `source` goes through a string.
  const isSafe = !/<[/!]|[\u2028\u2029]/.test(source) && isWellFormed(source);
  return isSafe ? literal : `new ${names.get('RegExp')}(${quote(source)},"${flags}")`;
}

function isWellFormed(text: string): boolean {
  return !/[\p{Surrogate}]/u.test(text);
}

function bufferText(buffer: object, context: ShapeContext): string {
  const length = builtins.bufferLength(buffer);
  const { names } = context;
  if (length === 0) return `new ${names.get('ArrayBuffer')}(0)`;
  if (length * 2 > context.lengthLeft) throw new TooLong();
  return `new ${names.get('Uint8Array')}([${new Uint8Array(buffer as ArrayBuffer).join()}]).buffer`;
}

function viewShape(value: object, steps: number, context: ShapeContext): string | Cursor {
  const { names } = context;
  if (types.isDataView(value)) {
    if (steps !== 2) throw new Unwritable('an instance of a class');
    const range = `,${builtins.dataViewOffset(value)},${builtins.dataViewLength(value)})`;
    return bufferCursor(value, 'DataView', builtins.dataViewBuffer(value), range, names);
  }
  const name = builtins.viewName(value)!;
  const isBuffer = steps === 4 && Object.getPrototypeOf(value) === Buffer.prototype;
  if (steps !== 3 && !isBuffer) throw new Unwritable('an instance of a class');
  const length = builtins.viewLength(value);
  const buffer = builtins.viewBuffer(value);
  // A Buffer is a window on memory shared with others: only its own bytes are data.
  const isWhole = isBuffer || (viewsAll(value, buffer) && context.isOwnBuffer(buffer));
  if (!isWhole) {
    return bufferCursor(value, name, buffer, `,${builtins.viewOffset(value)},${length})`, names);
  }
  if (length * 2 > context.lengthLeft) throw new TooLong();
  return `new ${names.get(name)}([${elementsText(value, name)}])`;
}

function viewsAll(value: object, buffer: ArrayBufferLike): boolean {
  if (types.isSharedArrayBuffer(buffer)) throw new Unwritable('a view of a shared array buffer');
  return builtins.viewByteLength(value) === builtins.bufferLength(buffer);
}

function bufferCursor(
  value: object,
  name: string,
  buffer: ArrayBufferLike,
  close: string,
  names: StandardNames,
): Cursor {
  const part: Part = { value: buffer, lead: '', access: '.buffer', path: '.buffer' };
  return new PartsCursor(value, `new ${names.get(name)}(`, [part], close);
}

const { join } = Array.prototype;

function elementsText(view: object, name: string): string {
  if (name.startsWith('Float')) return Array.from(view as Float64Array, numberText).join();
  const text: string = Reflect.apply(join, view, name.startsWith('Big') ? ['n,'] : [',']);
  return name.startsWith('Big') && text !== '' ? `${text}n` : text;
}

function collectionShape(
  value: object,
  kind: 'Map' | 'Set',
  { names, lengthLeft }: ShapeContext,
): CollectionCursor {
  const items = kind === 'Map' ? builtins.mapItems(value) : builtins.setItems(value);
  // Looked at first: to write what is far too long takes long. An item takes two characters at least.
  let lengthMin = 0;
  for (const item of items) lengthMin += typeof item === 'string' ? item.length + 3 : 2;
  if (lengthMin > lengthLeft) throw new TooLong();
  return new CollectionCursor(value, `new ${names.get(kind)}(`, items, kind === 'Map');
}

const ERROR_NAMES = new Set([
  'Error',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'AggregateError',
]);

/** The nearest standard kind, name, message, cause and errors; a stack trace is not data. */
function errorShape(value: object, { names }: ShapeContext): Cursor {
  const kind = standardKind(value);
  const name = textOf(value, 'name');
  const message = textOf(value, 'message');
  const given = [...(kind === 'AggregateError' ? ['[]'] : []), ...(message === '' ? [] : [quote(message)])];
  const stack = quote(message === '' ? name : `${name}: ${message}`);
  const hidden = ',writable:true,configurable:true}';
  const open =
    `${names.get('Object')}.defineProperties(new ${names.get(kind)}(${given.join()}),{"stack":{value:${stack}${hidden}` +
    (name === kind ? '' : `,"name":{value:${quote(name)}${hidden}`);
  const keys = kind === 'AggregateError' ? ['cause', 'errors'] : ['cause'];
  const parts: Part[] = [];
  for (const key of keys) {
    const descriptor = Object.getOwnPropertyDescriptor(value, key);
    if (!descriptor) continue;
    if (!('value' in descriptor)) throw new Unwritable(`an error whose ${key} is an accessor`);
    const lead = `${parts.length === 0 ? '' : hidden},"${key}":{value:`;
    parts.push({ value: descriptor.value, lead, access: `.${key}`, path: `.${key}` });
  }
  return new PartsCursor(value, open, parts, parts.length > 0 ? `${hidden}})` : '})');
}

function standardKind(value: object): string {
  let prototype: unknown = Object.getPrototypeOf(value);
  while (typeof prototype === 'object' && prototype !== null && !types.isProxy(prototype)) {
    const name: unknown = Object.getOwnPropertyDescriptor(prototype, 'name')?.value;
    if (typeof name === 'string' && ERROR_NAMES.has(name)) return name;
    prototype = Object.getPrototypeOf(prototype);
  }
  return 'Error';
}

/** A string found along the prototypes without running an accessor. */
function textOf(value: object, key: string): string {
  let owner: unknown = value;
  while (typeof owner === 'object' && owner !== null && !types.isProxy(owner)) {
    const descriptor = Object.getOwnPropertyDescriptor(owner, key);
    if (descriptor) return typeof descriptor.value === 'string' ? descriptor.value : '';
    owner = Object.getPrototypeOf(owner);
  }
  return '';
}
