/** Laws of injection, by random values and random programs. `SKILLCACHE_PROPERTY_RUNS` sets how many. */
import { inspect, isDeepStrictEqual } from 'node:util';
import vm from 'node:vm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { injectData, injectWithPlan } from '../../src/inject/inject.ts';
import { literal } from '../../src/inject/literal.ts';
import { planInjection } from '../../src/inject/planner.ts';
import { buildTemplate } from '../../src/inject/template.ts';
import { nodesOf } from '../../src/syntax/nodes.ts';
import { parseModule } from '../../src/syntax/parse.ts';
import { outcomeOf, runTemplate } from './evaluate.ts';

const RUNS = Number(process.env['SKILLCACHE_PROPERTY_RUNS'] ?? 2_000);
const LAWS = 5;
const numRuns = Math.ceil(RUNS / LAWS);
const OPTIONS = { root: 'v', boundNames: [], depthMax: 1_000, bytesMax: 1e8 };

const key = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 4 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', '', '0', '-1', '</script>', 'length'),
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.constantFrom('\u2028', '</script><!--', '\ud800', '*/ //', '${x}`', '"\'\\'),
);
const atom = fc.oneof(
  text,
  fc.double(),
  fc.maxSafeInteger(),
  fc.bigInt(),
  fc.constantFrom(undefined, null, true, false, -0, NaN, Infinity),
);
const leaf = fc.oneof(
  { arbitrary: atom, weight: 8 },
  { arbitrary: fc.date({ noInvalidDate: false }), weight: 1 },
  { arbitrary: fc.constantFrom(/a\/[/]b/gi, /<!--/u, /(?:)/), weight: 1 },
  { arbitrary: fc.uint8Array({ maxLength: 5 }), weight: 1 },
  { arbitrary: fc.float64Array({ maxLength: 3 }), weight: 1 },
  { arbitrary: fc.bigInt64Array({ maxLength: 2 }), weight: 1 },
  { arbitrary: text.map((message) => new TypeError(message)), weight: 1 },
);

/** Every kind of plain data, as a tree. */
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.sparseArray(tie('tree'), { maxLength: 8, maxNumElements: 3 }),
    fc.array(fc.tuple(key, tie('tree')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
    fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: false }),
    fc.array(fc.tuple(tie('tree'), tie('tree')), { maxLength: 3 }).map((entries) => new Map(entries)),
    fc.array(tie('tree'), { maxLength: 3 }).map((items) => new Set(items)),
    tie('tree').map((cause) => new Error('m', { cause })),
  ),
}));

/** A graph: containers joined at random, cycles and shared parts included. */
const graph = fc
  .tuple(
    fc.array(fc.constantFrom('object', 'array', 'map', 'set', 'null'), { minLength: 1, maxLength: 8 }),
    fc.array(fc.tuple(fc.nat(7), fc.nat(7), fc.oneof(key, fc.nat(20))), { maxLength: 20 }),
  )
  .map(([kinds, edges]) => {
    const nodes = kinds.map((kind): object => {
      if (kind === 'array') return [];
      if (kind === 'map') return new Map();
      if (kind === 'set') return new Set();
      return kind === 'null' ? Object.create(null) : {};
    });
    for (const [from, to, name] of edges) join(nodes[from % nodes.length]!, nodes[to % nodes.length]!, name);
    return nodes[0]!;
  });

function join(from: object, to: object, name: string | number): void {
  if (from instanceof Map) from.set(typeof name === 'number' ? to : name, to);
  else if (from instanceof Set) from.add(to);
  else if (name === '__proto__' && Array.isArray(from)) from.push(to);
  else
    Object.defineProperty(from, name === 'length' ? 'size' : name, {
      value: to,
      enumerable: true,
      writable: true,
      configurable: true,
    });
}

const anyValue = fc.oneof(tree, graph);
const evaluate = (source: string): unknown => vm.runInThisContext(`'use strict'; (${source})`);

/** Whether two values are one and the same in shape: `isDeepStrictEqual`, and shared parts likewise. */
function isSame(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b) && isDeepStrictEqual(sharing(a), sharing(b));
}

/** In walking order, the number of each object met: equal lists mean equal sharing. */
function sharing(root: unknown): number[] {
  const numbers = new Map<object, number>();
  const met: number[] = [];
  const stack: unknown[] = [root];
  for (let item = stack.pop(); item !== undefined || stack.length > 0; item = stack.pop()) {
    if (typeof item !== 'object' || item === null) continue;
    const known = numbers.get(item);
    met.push(known ?? numbers.size);
    if (known !== undefined) continue;
    numbers.set(item, numbers.size);
    if (item instanceof Map) for (const [k, v] of item) stack.push(k, v);
    else if (item instanceof Set) stack.push(...item);
    else if (!ArrayBuffer.isView(item)) stack.push(...Object.values(item));
  }
  return met;
}

test('the literal of any value evaluates to that value, and is one expression of literals', () => {
  fc.assert(
    fc.property(anyValue, (value) => {
      const { text: source, bytes } = literal(value, OPTIONS);
      expect(bytes).toBe(Buffer.byteLength(source));
      expect(isSame(evaluate(source), value)).toBe(true);
      expect(source).not.toMatch(/[\n\r\u2028\u2029]|<\/|<!/);
      const { body } = parseModule(`(${source})`, 'javascript').program;
      expect(body).toHaveLength(1);
      for (const node of nodesOf(body[0]!)) {
        if (node.type === 'Identifier') expect(NAMES).toContain(node.name);
      }
    }),
    { numRuns },
  );
});

const NAMES = [
  'a',
  'globalThis',
  'Date',
  'RegExp',
  'Map',
  'Set',
  'Uint8Array',
  'Float64Array',
  'BigInt64Array',
  'Object',
  'Error',
  'TypeError',
  'defineProperties',
  'value',
  'writable',
  'configurable',
  'set',
  'add',
  'length',
  'cause',
  'buffer',
  '__proto__',
];

/** Names of the module, each of which inner scopes may bind again. */
const NAMED = ['p', 'q', 'r', 's'];
const name = fc.constantFrom(...NAMED);
const use = fc.oneof(
  name.map((n) => `log(typeof ${n}, ${n})`),
  name.map((n) => `log({ ${n} }, { ${n}: 1 }.${n}, "${n}")`),
);
const { statement } = fc.letrec<{ statement: string; inner: string }>((tie) => ({
  inner: fc.oneof({ depthSize: 'small' }, use, tie('statement')),
  statement: fc.oneof(
    { depthSize: 'small' },
    use,
    fc.tuple(name, tie('inner')).map(([n, s]) => `{ let ${n} = 'block'; ${s} }`),
    fc.tuple(name, tie('inner')).map(([n, s]) => `((${n}) => { ${s} })('parameter');`),
    fc.tuple(name, tie('inner')).map(([n, s]) => `(function () { var ${n} = 'var'; ${s} })();`),
    fc.tuple(name, tie('inner')).map(([n, s]) => `for (const ${n} of ['of']) { ${s} }`),
    fc.tuple(name, tie('inner')).map(([n, s]) => `try { throw 'thrown' } catch (${n}) { ${s} }`),
    fc.tuple(name, tie('inner')).map(([n, s]) => `(function ${n}() { ${s} })();`),
    fc.tuple(name, tie('inner')).map(([n, s]) => `(({ ${n} = 'pattern' }) => { ${s} })({});`),
    fc.tuple(name, tie('inner')).map(([n, s]) => `new (class { ${n} = 'field'; static { ${s} } })();`),
    fc.tuple(name, tie('inner')).map(([n, s]) => `(() => { ${n}: for (;;) { ${s}; break ${n} } })();`),
    fc.tuple(name, tie('inner')).map(([n, s]) => `switch (1) { default: let ${n} = 'case'; ${s} }`),
  ),
}));
const initialiser = fc.constantFrom(
  "'default'",
  '[\n1,\r\n2\n]',
  '(3)',
  '() => 4',
  'function () {}',
  'class {}',
  '{ a: 1 }.a',
  "'x'.length /* c */",
  '-1',
  '`t\n`',
  '/x/g',
  'a => a\n',
  'void 0',
);
const declaration = fc.tuple(
  fc.constantFrom('const', 'let', 'var'),
  initialiser,
  fc.boolean(),
  fc.constantFrom(';\n', '\n', '\r\n', ' // c\n'),
);
const program = fc
  .tuple(
    fc.array(declaration, { minLength: NAMED.length, maxLength: NAMED.length }),
    fc.array(statement, { maxLength: 5 }),
  )
  .map(([declarations, statements]) => {
    const head = declarations.map(([kind, init, isBare, end], index) => {
      const isDeclared = isBare && kind !== 'const';
      return `${kind} ${NAMED[index]}${isDeclared ? '' : ` = ${init}`}${end}`;
    });
    const shown = "const shown = (x) => typeof x === 'function' ? 'f:' + x.name : x;\nconst lines = [];\n";
    const log = 'function log(...xs) { lines.push(xs.map(shown)) }\n';
    return `${shown}${log}${head.join('')};${statements.join(';\n')};\nexport default () => [lines, [p, q, r, s].map(shown)];`;
  });

const data = fc.dictionary(fc.oneof(name, fc.constantFrom('zzz', 'x', 'a')), tree, {
  maxKeys: 3,
  noNullPrototype: true,
});

/** What the module of `code` gives, as text: functions by their names, `-0` and holes told apart. */
function outcome(code: string): Promise<string> {
  const body = `(() => { 'use strict'; ${code.replace('export default', 'return')} })()`;
  return shownOutcome(() => (vm.runInThisContext(body) as () => unknown)());
}

async function shownOutcome(run: () => unknown): Promise<string> {
  return inspect(await outcomeOf(run), { depth: null, maxArrayLength: null, maxStringLength: null });
}

test('text and template give the same outcome', async () => {
  await fc.assert(
    fc.asyncProperty(program, data, async (code, inputs) => {
      const { plan, source } = planInjection(code);
      const ofText = await outcome(injectWithPlan(source, plan, { inputs }).code);
      const ofTemplate = await shownOutcome(() =>
        runTemplate(buildTemplate(source, plan, 'law'), plan, { inputs }),
      );
      expect(ofTemplate).toStrictEqual(ofText);
    }),
    { numRuns },
  );
});

test('nothing but the module-level binding changes', async () => {
  await fc.assert(
    fc.asyncProperty(program, fc.subarray(NAMED), async (code, names) => {
      const inputs = Object.fromEntries(names.map((n) => [n, `data-${n}`]));
      // The same program, in which the data was written by hand where each name is declared.
      const byHand = NAMED.reduce((written, n) => {
        if (!names.includes(n)) return written;
        const declared = new RegExp(
          `^(const|let|var) ${n}\\b(?: = (?:[^]*?))?(?=(?: // c)?;?\\r?\\n(?:const|let|var|;))`,
          'm',
        );
        return written.replace(declared, `$1 ${n} = "data-${n}";`);
      }, code);
      expect(await outcome(injectData(code, { inputs }).code)).toStrictEqual(await outcome(byHand));
    }),
    { numRuns },
  );
});

test('no hole filled, no byte changed; lines stay; twice is once', () => {
  fc.assert(
    fc.property(program, data, (code, inputs) => {
      expect(injectData(code, { inputs: {} }).code).toBe(code);
      const once = injectData(code, { inputs, language: 'javascript' });
      expect(injectData(once.code, { inputs, language: 'javascript' }).code).toBe(once.code);
      expect(once.code.match(/\r\n|\n/g)).toHaveLength(code.match(/\r\n|\n/g)!.length);
      expect([...once.injected, ...once.unused].toSorted()).toEqual(Object.keys(inputs).toSorted());
    }),
    { numRuns },
  );
});

test('all outside the initialisers stands byte for byte', () => {
  fc.assert(
    fc.property(program, data, (code, inputs) => {
      const { plan, source } = planInjection(code);
      const injected = injectWithPlan(source, plan, { inputs }).code;
      const after = planInjection(injected, { language: 'javascript' }).plan;
      expect(after.holes.map((hole) => hole.name)).toEqual(plan.holes.map((hole) => hole.name));
      let [from, at] = [0, 0];
      for (const [index, hole] of plan.holes.entries()) {
        const replaced = after.holes[index]!;
        const isFilled = Object.hasOwn(inputs, hole.name);
        const assignment = isFilled && hole.start === hole.end ? ' = ' : '';
        expect(injected.slice(at, replaced.start)).toBe(source.slice(from, hole.start) + assignment);
        const initialiser = source.slice(hole.start, hole.end);
        if (!isFilled) expect(injected.slice(replaced.start, replaced.end)).toBe(initialiser);
        const lineEnds = isFilled ? (initialiser.match(/\r\n|\n/g) ?? []).join('') : '';
        const semicolon = isFilled && hole.needsSemicolon ? ';' : '';
        at = replaced.end + semicolon.length + lineEnds.length;
        expect(injected.slice(replaced.end, at)).toBe(semicolon + lineEnds);
        from = hole.end;
      }
      expect(injected.slice(at)).toBe(source.slice(from));
    }),
    { numRuns },
  );
});
