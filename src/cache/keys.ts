/**
 * The only place where keys are made: the digest that names a version's content and the key
 * under which a result is kept. Every key is the SHA-256 of a text that cannot be read two ways.
 */
import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { PinnedRequirement } from '../skills/analyse.ts';
import type { SkillDefinition } from '../skills/skill.ts';
import { canonicalJson, pureJson } from './canonical-json.ts';

/** Two keys each: 4 MB. */
const ALIASES_MAX = 10_000;

/** What a result depends on. Absent parts and present ones never share a key. */
export interface ResultKeyParts {
  /** The version's digest; it covers code, parameters and pinned requirements. */
  readonly digest: string;
  /** Digests of required versions where `digest` does not cover them. Order does not matter. */
  readonly requiredDigests?: readonly string[];
  /** Whatever of the sandbox may change an answer: its own version and that of the JavaScript engine. */
  readonly sandboxVersion: string;
  readonly seed?: number;
  readonly now?: number;
  /** `given` tells data apart by the order of its keys too, for skills that can see it. Default `any`. */
  readonly keyOrder?: 'any' | 'given';
  /** Everything the skill is given. Where it is not pure JSON, give `dataText` or there is no key. */
  readonly data?: unknown;
  /** The data as codec text, used instead of `data` where that is not pure JSON. */
  readonly dataText?: string;
}

/** Lower-case hex SHA-256 of the text; of several, each is preceded by its length. */
export function sha256Hex(...parts: readonly string[]): string {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return hash('sha256', bytesOf(only), 'hex');
  return hash('sha256', bytesOf(parts.map((part) => `${part.length}:${part}`).join('')), 'hex');
}

/**
 * The digest of a version: its definition and what its requirements are pinned to. The order of
 * keys and of requirements does not matter; members that JSON does not keep do not count.
 */
export function contentDigest(
  definition: SkillDefinition,
  requires: readonly PinnedRequirement[] = [],
): string {
  const pins = requires.map(({ local, name, digest }) => [local, name, digest]).sort(byFirst);
  // Through JSON once: what is stored is JSON, and the digest of what is read back must be equal.
  const stored: unknown = JSON.parse(JSON.stringify({ format: 1, definition, requires: pins }));
  return sha256Hex(canonicalJson(stored) ?? JSON.stringify(stored));
}

/**
 * Keys of data in the order in which it was given → the key of the same data in canonical order.
 * Callers build their data in one order mostly, and ordering it costs more than looking here.
 */
export class KeyAliases {
  readonly #aliases = new LRUCache<string, string>({ max: ALIASES_MAX });

  canonical(given: string, make: () => string): string {
    const known = this.#aliases.get(given);
    if (known !== undefined) return known;
    const key = make();
    this.#aliases.set(given, key);
    return key;
  }
}

/** The key of a result; undefined where the data is not pure JSON and no `dataText` is given. */
export function resultKey(parts: ResultKeyParts, aliases?: KeyAliases): string | undefined {
  const { data, dataText, seed = '', now = '' } = parts;
  const required = parts.requiredDigests?.toSorted().join(',') ?? '';
  // No field but the last can hold a line feed, so the lines say which field is which.
  const head = `skillcache-result/1\n${parts.digest}\n${required}\n${JSON.stringify(parts.sandboxVersion)}\n${seed}\n${now}\n`;
  const pure = pureJson(data);
  if (pure === undefined) return dataText === undefined ? undefined : sha256Hex(`${head}codec\n${dataText}`);
  // JSON writes lone surrogates as escapes, so that its text needs no look for them.
  const keyOf = (form: string, text: string): string => hash('sha256', `${head}${form}\n${text}`, 'hex');
  const isAnyOrder = (parts.keyOrder ?? 'any') === 'any';
  if (isAnyOrder && pure.isOrdered) return keyOf('json-any', pure.text);
  const given = keyOf('json-given', pure.text);
  if (!isAnyOrder) return given;
  const make = (): string => keyOf('json-any', canonicalJson(data) as string);
  return aliases ? aliases.canonical(given, make) : make();
}

/** Lone surrogates have no UTF-8: such a text is hashed by its code units, behind a mark that UTF-8 never has. */
function bytesOf(text: string): string | Buffer {
  if ((text as string & { isWellFormed(): boolean }).isWellFormed()) return text;
  return Buffer.concat([Buffer.from([0xff]), Buffer.from(text, 'utf16le')]);
}

function byFirst(left: readonly string[], right: readonly string[]): number {
  const [a, b] = [left[0] ?? '', right[0] ?? ''];
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
