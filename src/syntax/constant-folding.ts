/** What operators and a few pure methods make of constants. */

export type Constant = string | number | bigint | boolean | null | undefined;

/** Folded text longer than this is of no use to anybody. */
const LENGTH_MAX = 10_000;
/** So is a BigInt beyond this. */
const BIGINT_MAX = 2n ** 4_096n;
/** Longest text that is built on the way to a shorter one. */
const WORK_LENGTH_MAX = 1_000_000;

/** String methods that are followed, on a constant text with constant arguments. */
const STRING_METHODS: ReadonlySet<string> = new Set([
  'at',
  'charAt',
  'concat',
  'padEnd',
  'padStart',
  'repeat',
  'replace',
  'replaceAll',
  'slice',
  'substr',
  'substring',
  'toLowerCase',
  'toString',
  'toUpperCase',
  'trim',
  'trimEnd',
  'trimStart',
  'valueOf',
]);

export type Folded = { readonly value: Constant } | undefined;

/** `left operator right`; undefined where it would throw or is not followed. */
export function foldBinary(operator: string, left: Constant, right: Constant): Folded {
  const a = left as number;
  const b = right as number;
  try {
    switch (operator) {
      case '+':
        return bounded((a + b) as Constant);
      case '-':
        return bounded(a - b);
      case '*':
        return bounded(a * b);
      case '/':
        return bounded(a / b);
      case '%':
        return { value: a % b };
      case '**':
        // A BigInt's power can take for ever; a number's cannot.
        return typeof left === 'bigint' || typeof right === 'bigint' ? undefined : { value: a ** b };
      case '<<':
        return typeof left === 'bigint' || typeof right === 'bigint' ? undefined : { value: a << b };
      case '>>':
        return typeof left === 'bigint' || typeof right === 'bigint' ? undefined : { value: a >> b };
      case '>>>':
        return { value: a >>> b };
      case '|':
        return { value: a | b };
      case '&':
        return { value: a & b };
      case '^':
        return { value: a ^ b };
      case '===':
        return { value: left === right };
      case '!==':
        return { value: left !== right };
      case '==':
        // eslint-disable-next-line eqeqeq -- the operator of the folded code
        return { value: left == right };
      case '!=':
        // eslint-disable-next-line eqeqeq -- the operator of the folded code
        return { value: left != right };
      case '<':
        return { value: a < b };
      case '<=':
        return { value: a <= b };
      case '>':
        return { value: a > b };
      case '>=':
        return { value: a >= b };
      default:
        return undefined;
    }
  } catch {
    // Mixed BigInt arithmetic throws where it runs; it has no value here either.
    return undefined;
  }
}

/** The digits of a literal; undefined where they are too many. */
export function readBigInt(digits: string): Folded {
  return digits.length > 2_000 ? undefined : bounded(BigInt(digits));
}

export function foldUnary(operator: string, operand: Constant): Folded {
  switch (operator) {
    case '!':
      return { value: !operand };
    case 'void':
      return { value: undefined };
    case '-':
      return typeof operand === 'bigint' ? { value: -operand } : { value: -Number(operand) };
    case '+':
      return typeof operand === 'bigint' ? undefined : { value: Number(operand) };
    case '~':
      return typeof operand === 'bigint' ? { value: ~operand } : { value: ~Number(operand) };
    case 'typeof':
      return { value: typeof operand };
    default:
      return undefined;
  }
}

/** `text.method(...args)`. */
export function foldStringMethod(text: string, method: string, args: readonly Constant[]): Folded {
  if (!STRING_METHODS.has(method)) return undefined;
  const count = args[0];
  const grows = method === 'repeat' || method === 'padEnd' || method === 'padStart';
  if (grows && (typeof count !== 'number' || !(count >= 0) || count * text.length > LENGTH_MAX))
    return undefined;
  if (grows && Number(count) > LENGTH_MAX) return undefined;
  if (method === 'replaceAll' && text.length * lengthOf(args[1]) > WORK_LENGTH_MAX) return undefined;
  const call = (String.prototype as unknown as Record<string, (...rest: Constant[]) => Constant>)[method];
  try {
    return bounded(call?.apply(text, [...args]));
  } catch {
    // A call that throws where it runs has no value here either.
    return undefined;
  }
}

/** `a` + `b` + … as a template or `[…].join(between)` joins them. */
export function foldJoin(parts: readonly Constant[], between: string): Folded {
  let length = between.length * parts.length;
  for (const part of parts) length += lengthOf(part);
  if (length > WORK_LENGTH_MAX) return undefined;
  return bounded(
    parts.map((part) => (part === null || part === undefined ? '' : String(part))).join(between),
  );
}

function lengthOf(value: Constant): number {
  return typeof value === 'string' ? value.length : 0;
}

/** A constant that is not too large to be followed. */
function bounded(value: Constant): Folded {
  if (typeof value === 'bigint') return value > BIGINT_MAX || value < -BIGINT_MAX ? undefined : { value };
  return typeof value === 'string' && value.length > LENGTH_MAX ? undefined : { value };
}
