/**
 * Schemas come with skills that nobody vouches for, and are compiled and run in the host. What ajv
 * sees is therefore a copy of what it needs to know: known keywords only, bounded in size and depth,
 * references that stay inside, each subschema marked with what checking it costs.
 */
import { isPlainObject, joinPath, setOwn, type JsonIssue } from './plain-json.ts';
import { compilePattern } from './pattern.ts';

export const SCHEMA_BYTES_MAX = 256 * 1024;
const SCHEMA_DEPTH_MAX = 64;
/** Generated code nests with their number, and takes ajv about 0.5 ms each. */
const SUBSCHEMAS_MAX = 1_000;
const PATTERN_PROPERTIES_MAX = 100;
export const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

const ROOT_ID = 'https://skillcache.invalid/schema';

/** The keyword under which a subschema's cost stands: `[fixed, perMember, perCharacter]`. */
export const COST = 'skillcache:cost';
export type SchemaCost = readonly [fixed: number, perMember: number, perCharacter: number];

const ONE = new Set(
  'additionalProperties unevaluatedProperties unevaluatedItems items contains not if then else propertyNames'.split(
    ' ',
  ),
);
const LIST = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems']);
const MAP = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
const DATA = new Set(
  (
    'type const enum multipleOf maximum exclusiveMaximum minimum exclusiveMinimum maxLength minLength pattern ' +
    'maxItems minItems uniqueItems maxContains minContains maxProperties minProperties required ' +
    'dependentRequired format $id $ref $anchor $dynamicRef $dynamicAnchor'
  ).split(' '),
);
const PER_MEMBER = new Set([...ONE, 'uniqueItems', 'properties', 'prefixItems']);
const PER_CHARACTER = new Set(['maxLength', 'minLength', 'pattern', 'format', 'const', 'enum']);

export interface GuardedSchema {
  readonly schema: unknown;
  readonly issues: readonly JsonIssue[];
}

/** Guards a schema that is plain JSON; `root` begins the paths of its issues. */
export function guardSchema(schema: unknown, root: string): GuardedSchema {
  const guard = new SchemaGuard();
  if (Buffer.byteLength(JSON.stringify(schema) ?? '') > SCHEMA_BYTES_MAX) {
    return { schema, issues: [{ path: root, message: `is larger than ${SCHEMA_BYTES_MAX} bytes` }] };
  }
  const copy = guard.copy(schema, { path: root, pointer: '', base: '', depth: 0 });
  guard.checkReferences();
  // Without a base of its own ajv cannot resolve `#` here.
  if (isPlainObject(copy) && copy['$id'] === undefined) setOwn(copy, '$id', ROOT_ID);
  return { schema: copy, issues: guard.issues };
}

interface Place {
  readonly path: string;
  /** JSON pointer from the root. */
  readonly pointer: string;
  /** The pointer of the resource this is in: the nearest schema with an `$id`. */
  readonly base: string;
  readonly depth: number;
}

class SchemaGuard {
  readonly issues: JsonIssue[] = [];
  #subschemas = 0;
  readonly #schemaPointers = new Set<string>();
  readonly #references: { place: Place; pointer: string }[] = [];

  copy(schema: unknown, from: Place): unknown {
    if (typeof schema === 'boolean') {
      this.#schemaPointers.add(from.pointer);
      return schema;
    }
    // Anything else is named by the check against the meta-schema.
    if (!isPlainObject(schema)) return schema;
    if (from.depth > SCHEMA_DEPTH_MAX) {
      this.#refuse(from, `is nested deeper than ${SCHEMA_DEPTH_MAX} levels`);
      return true;
    }
    if ((this.#subschemas += 1) > SUBSCHEMAS_MAX) {
      if (this.#subschemas === SUBSCHEMAS_MAX + 1)
        this.#refuse(from, `is more than ${SUBSCHEMAS_MAX} subschemas`);
      return true;
    }
    this.#schemaPointers.add(from.pointer);
    const place = typeof schema['$id'] === 'string' ? { ...from, base: from.pointer } : from;
    if (schema['$schema'] !== undefined && String(schema['$schema']).replace(/#$/, '') !== DIALECT) {
      this.#refuse(step(place, '$schema'), `only ${DIALECT} is understood`);
    }
    const copy = {};
    for (const [keyword, value] of Object.entries(schema)) {
      const at = step(place, keyword);
      if (ONE.has(keyword)) setOwn(copy, keyword, this.copy(value, at));
      else if (LIST.has(keyword)) setOwn(copy, keyword, this.#copyList(value, at));
      else if (MAP.has(keyword)) setOwn(copy, keyword, this.#copyMap(value, at, keyword));
      else if (DATA.has(keyword)) setOwn(copy, keyword, this.#data(keyword, value, at));
    }
    setOwn(copy, COST, costOf(schema));
    return copy;
  }

  #copyList(value: unknown, at: Place): unknown {
    if (!Array.isArray(value)) return value;
    return value.map((schema, index) => this.copy(schema, step(at, index)));
  }

  #copyMap(value: unknown, at: Place, keyword: string): unknown {
    if (!isPlainObject(value)) return value;
    const copy = {};
    if (keyword === 'patternProperties' && Object.keys(value).length > PATTERN_PROPERTIES_MAX) {
      this.#refuse(at, `has more than ${PATTERN_PROPERTIES_MAX} patterns`);
      return copy;
    }
    for (const [key, schema] of Object.entries(value)) {
      if (keyword === 'patternProperties') this.#checkPattern(key, step(at, key));
      setOwn(copy, key, this.copy(schema, step(at, key)));
    }
    return copy;
  }

  #data(keyword: string, value: unknown, at: Place): unknown {
    if (keyword === 'pattern') this.#checkPattern(value, at);
    if ((keyword === '$ref' || keyword === '$dynamicRef') && typeof value === 'string') {
      const pointer = /^#(\/.*)?$/.exec(value);
      if (pointer !== null) this.#references.push({ place: at, pointer: decodePointer(pointer[1] ?? '') });
      else if (value.includes('#/')) this.#refuse(at, 'a pointer into another resource is not supported');
    }
    return value;
  }

  #checkPattern(pattern: unknown, at: Place): void {
    if (typeof pattern !== 'string') return;
    try {
      compilePattern(pattern);
    } catch (error) {
      this.#refuse(at, `the pattern ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** A pointer to what is no schema (a list of names, a default) would be run unguarded. */
  checkReferences(): void {
    for (const { place, pointer } of this.#references) {
      if (this.#schemaPointers.has(place.base + pointer)) continue;
      this.#refuse(place, `points to no schema: #${pointer}`);
    }
  }

  #refuse(at: Place, message: string): void {
    if (this.issues.length < 20) this.issues.push({ path: at.path, message });
  }
}

function step(place: Place, key: string | number): Place {
  const segment = String(key).replaceAll('~', '~0').replaceAll('/', '~1');
  return {
    path: joinPath(place.path, key),
    pointer: `${place.pointer}/${segment}`,
    base: place.base,
    depth: place.depth + 1,
  };
}

function decodePointer(pointer: string): string {
  try {
    return decodeURIComponent(pointer);
  } catch {
    // A stray percent sign: the pointer is taken as it is written, and found or not.
    return pointer;
  }
}

/** In units of a few nanoseconds: what ajv does for one value beyond its subschemas. */
function costOf(schema: Record<string, unknown>): SchemaCost {
  let fixed = 1;
  let perMember = 0;
  let perCharacter = 0;
  for (const [keyword, value] of Object.entries(schema)) {
    if (DATA.has(keyword)) fixed += JSON.stringify(value).length >> 4;
    if (keyword === 'properties' && isPlainObject(value)) fixed += Object.keys(value).length;
    if (keyword === 'patternProperties' && isPlainObject(value)) perMember += Object.keys(value).length * 4;
    if (keyword === 'dependentSchemas' && isPlainObject(value)) fixed += Object.keys(value).length;
    if (PER_MEMBER.has(keyword)) perMember += 1;
    if (PER_CHARACTER.has(keyword)) perCharacter += 1;
  }
  return [fixed, perMember, perCharacter];
}
