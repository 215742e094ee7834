/** Results that hang on the machine's language or time zone. */
import type { Node } from '@babel/types';
import type { Inspection } from './capabilities.ts';
import { isLocalTime, type Call } from './call-values.ts';
import type { CallNode } from './value.ts';

/** Methods that take a locale; the number says which argument it is. */
const LOCALE_ARGUMENT: ReadonlyMap<string, number> = new Map([
  ['localeCompare', 1],
  ['toLocaleDateString', 0],
  ['toLocaleLowerCase', 0],
  ['toLocaleString', 0],
  ['toLocaleTimeString', 0],
  ['toLocaleUpperCase', 0],
]);

/** Methods and formatters whose options name a time zone. */
const ZONED = new Set(['toLocaleDateString', 'toLocaleTimeString', 'Intl.DateTimeFormat']);

const INTL =
  /^Intl\.(?:Collator|DateTimeFormat|DisplayNames|DurationFormat|ListFormat|NumberFormat|PluralRules|RelativeTimeFormat|Segmenter)$/;

/** Reads or writes of a date's fields in local time. */
const LOCAL_FIELDS =
  /^(?:[gs]et(?:Date|Day|FullYear|Hours|Milliseconds|Minutes|Month|Seconds|Year)|to(?:Date|Time)?String)$/;
/** What turns a date into an instant that is the same everywhere. */
const INSTANT = /^(?:getTime|getUTC\w+|toISOString|toJSON|toUTCString|valueOf)$/;

export function reportEnvironment(inspection: Inspection, node: CallNode, call: Call): void {
  const { values, raise } = inspection;
  const { callee } = node;
  const args = call.args ?? [];
  if (parsesLocally(inspection, node, call)) raise('environment-dependent', node);
  if (call.callee.kind === 'builtin' && INTL.test(call.callee.path)) {
    if (call.args !== undefined && isLocal(call.callee.path, args[0], args[1]))
      raise('environment-dependent', node);
    return;
  }
  if (callee.type !== 'MemberExpression' && callee.type !== 'OptionalMemberExpression') return;
  const method = values.keyOf(callee);
  if (method === undefined) return;
  const localeArgument = LOCALE_ARGUMENT.get(method);
  if (localeArgument !== undefined && call.args !== undefined) {
    const locale = args[localeArgument];
    if (isLocal(method, locale, args[localeArgument + 1])) raise('environment-dependent', node);
    return;
  }
  if (method === 'getTimezoneOffset') return raise('environment-dependent', node);
  const receiver = values.of(callee.object);
  if (receiver.kind !== 'date') return;
  // Fields in, fields out and instant in, instant out are the same everywhere.
  const crosses = receiver.from === 'fields' ? INSTANT : LOCAL_FIELDS;
  if (receiver.from !== 'clock' && crosses.test(method)) raise('environment-dependent', node);

  function isLocal(name: string, locale: Node | undefined, options: Node | undefined): boolean {
    if (locale === undefined || namesNoLocale(locale)) return true;
    if (!ZONED.has(name)) return false;
    if (options === undefined) return true;
    const value = values.of(options);
    return value.kind === 'object' && !value.node.properties.some(mayNameZone);
  }

  function namesNoLocale(locale: Node): boolean {
    const folded = values.constantOf(locale);
    if (folded !== undefined) return folded.value === undefined || folded.value === 'default';
    const value = values.of(locale);
    return value.kind === 'array' && value.node.elements.length === 0;
  }

  function mayNameZone(property: Node): boolean {
    if (property.type !== 'ObjectProperty') return true;
    const { key } = property;
    if (property.computed) return true;
    return (key.type === 'Identifier' ? key.name : key.type === 'StringLiteral' && key.value) === 'timeZone';
  }
}

/** A constant text taken as local time, where what comes of it is not looked at field by field. */
function parsesLocally({ bindings, values }: Inspection, node: CallNode, { callee, args }: Call): boolean {
  if (callee.kind !== 'builtin' || !isLocalTime(values.textOf(args?.[0]))) return false;
  if (callee.path === 'Date.parse') return true;
  if (callee.path !== 'Date' || node.type !== 'NewExpression' || args?.length !== 1) return false;
  const parent = bindings.parentOf(node);
  return parent?.type !== 'MemberExpression' && parent?.type !== 'VariableDeclarator';
}
