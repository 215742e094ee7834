/** Words: how names, prose and code are split for the index, and a query into terms. */
import type { SkillAnalysis } from '../../skills/analyse.ts';
import type { JsonSchema, SkillDefinition } from '../../skills/skill.ts';

/** What the index holds of a skill, a text a column. */
export interface IndexedText {
  readonly name: string;
  readonly description: string;
  readonly tags: string;
  readonly parameters: string;
  readonly code: string;
}

const QUERY_CHARS_MAX = 10_000;
const QUERY_TERMS_MAX = 64;
const CODE_WORDS_MAX = 5_000;
const SCHEMA_DEPTH_MAX = 8;

const CHUNK = /[\p{L}\p{N}\p{M}_$-]+/gu;
const CONTRACTION = /['’](?:d|ll|m|re|s|t|ve)\b/gi;
/** Most words of prose: nothing holds them together, and looking for parts costs more than this. */
const SIMPLE_WORD = /^[a-z]+$/;
const PART = /\p{Lu}+(?![\p{Ll}\p{M}])|\p{Lu}?[\p{Ll}\p{M}]+|[\p{Lo}\p{Lm}\p{Lt}\p{M}]+|\p{N}+/gu;

// Words that say nothing about what a skill does, in questions to an agent above all.
const STOP_WORDS = new Set(
  `a able about above after again all already also although am an and any anyone anything are as ask assist
  assistance at be because been before being below between both but by can cannot could currently did do does doing
  don down during each either else ever every everything few for from further get give go going good got great had
  has have having he hello help her here hers hey hi him his how however i if im in including interested into is it
  its itself just know let like ll looking made make many may me might more most much must my myself need no nor not
  now of off on once one only or other our ours out over own please possible re really same see she should show so
  some somebody someone something specific specifically sure tell than thank thanks that the their theirs them then
  there these they thing things this those through to too trying under until up us use using various ve very want was
  way we well were what when where whether which while who whom whose why will wish with wondering would yes you your
  yours`.split(/\s+/),
);

const KEYWORDS = new Set(
  `async await break case catch class const continue debugger default delete do else export extends false finally for
  function if import in instanceof let new null return static super switch this throw true try typeof undefined var
  void while with yield`.split(/\s+/),
);

/** The parts of a word that camelCase, `_`, `-` and digits hold together: `mineDiamond2` → mine, Diamond, 2. */
export function splitWord(word: string): string[] {
  return word.match(PART) ?? [];
}

/** Every word of a text, those made of parts both whole and in parts. */
export function splitText(text: string): string[] {
  const words: string[] = [];
  for (const chunk of text.normalize('NFC').match(CHUNK) ?? []) {
    if (SIMPLE_WORD.test(chunk)) {
      words.push(chunk);
      continue;
    }
    const parts = splitWord(chunk);
    if (parts.length > 1) words.push(chunk.replaceAll(/[_$-]/g, ''));
    words.push(...parts);
  }
  return words;
}

/** The terms of a query, in lower case, each once; without stop words unless there is nothing else. */
export function queryTerms(query: string): string[] {
  const text = query.slice(0, QUERY_CHARS_MAX).replaceAll(CONTRACTION, ' ');
  const words = new Set(splitText(text).map((word) => word.toLowerCase()));
  const telling = [...words].filter((word) => !STOP_WORDS.has(word));
  return (telling.length > 0 ? telling : [...words]).slice(0, QUERY_TERMS_MAX);
}

export function indexedText(definition: SkillDefinition, analysis: SkillAnalysis): IndexedText {
  const inputs: string[] = analysis.plan.holes.map((hole) => hole.name);
  collectSchemaWords(definition.inputSchema ?? analysis.derivedInputSchema, inputs, 0);
  collectSchemaWords(definition.outputSchema, inputs, 0);
  return {
    name: splitText(definition.name).join(' '),
    description: splitText(definition.description).join(' '),
    tags: splitText(definition.tags.join(' ')).join(' '),
    parameters: unique(splitText([...Object.keys(definition.parameters), ...inputs].join(' '))).join(' '),
    code: codeWords(definition.code).join(' '),
  };
}

// Each word once: how often an identifier occurs says how long the code is, not what it is about.
function codeWords(code: string): string[] {
  const words = unique(splitText(code)).filter((word) => word.length > 1 && !KEYWORDS.has(word));
  return words.slice(0, CODE_WORDS_MAX);
}

function unique(words: readonly string[]): string[] {
  return [...new Set(words.map((word) => word.toLowerCase()))];
}

// Property names and descriptions of a schema, some levels deep.
function collectSchemaWords(schema: JsonSchema | undefined, words: string[], depth: number): void {
  if (typeof schema !== 'object' || schema === null || depth > SCHEMA_DEPTH_MAX) return;
  if (typeof schema['description'] === 'string') words.push(schema['description']);
  const { properties, items } = schema as { properties?: unknown; items?: unknown };
  if (typeof properties === 'object' && properties !== null) {
    for (const [name, property] of Object.entries(properties)) {
      words.push(name);
      collectSchemaWords(property as JsonSchema, words, depth + 1);
    }
  }
  collectSchemaWords(items as JsonSchema | undefined, words, depth + 1);
}
