/** Keys: made, and asked for by whoever knocks. A key is `sk_ID_SECRET`; of it the store has the hash alone. */
import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { SkillCacheError } from '../errors.ts';
import type { ApiKeyRecord, ServiceStore } from '../store/service-store.ts';
import { ANONYMOUS, type Caller, type Scope } from './caller.ts';

const KEY = /^sk_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/;
/** How long what was read of a key is believed: a key that is revoked ends within this. */
const FRESH_MS = 1_000;
const KNOWN_MAX = 10_000;
/** Compared with where there is no key of the id: it takes as long. */
const NO_HASH = Buffer.alloc(32);

/** A new key, and the record that the store keeps. The key is not known again. */
export function makeKey(given: Omit<ApiKeyRecord, 'id' | 'hash' | 'createdAtMs'>): {
  key: string;
  record: ApiKeyRecord;
} {
  const id = Array.from(randomBytes(12), (byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte % 32]).join('');
  const key = `sk_${id}_${randomBytes(32).toString('base64url')}`;
  return { key, record: { ...given, id, hash: hash('sha256', key), createdAtMs: Date.now() } };
}

interface Known {
  readonly caller: Caller | undefined;
  readonly hash: Buffer;
  readonly expiresAtMs: number;
  readonly readMs: number;
}

export class KeyRing {
  readonly #store: ServiceStore;
  /** Whether nobody gets in without a key, there being keys or not. */
  readonly #isStrict: boolean;
  readonly #known = new Map<string, Known>();
  #hasKeys = true;
  #askedMs = -Infinity;

  constructor(store: ServiceStore, { isStrict }: { isStrict: boolean }) {
    this.#store = store;
    this.#isStrict = isStrict;
  }

  /** Who a header names: at once where it is known. @throws {SkillCacheError} UNAUTHORIZED */
  callerOf(authorization: string | undefined): Caller | Promise<Caller> {
    if (authorization === undefined) return this.#nobody();
    const key = authorization.startsWith('Bearer ') ? authorization.slice(7).trim() : '';
    const [, id] = KEY.exec(key) ?? [];
    if (id === undefined) throw unauthorized('the header Authorization has no key: Bearer sk_…');
    const known = this.#known.get(id);
    if (known && performance.now() - known.readMs < FRESH_MS) return admit(known, key);
    return this.#read(id).then((read) => admit(read, key));
  }

  /** What was read is read again. */
  forget(): void {
    this.#known.clear();
    this.#askedMs = -Infinity;
  }

  #nobody(): Caller | Promise<Caller> {
    if (this.#isStrict) throw needsKey();
    if (performance.now() - this.#askedMs < FRESH_MS) return this.#withoutKey();
    return this.#store.hasKeys().then((hasKeys) => {
      this.#hasKeys = hasKeys;
      this.#askedMs = performance.now();
      return this.#withoutKey();
    });
  }

  #withoutKey(): Caller {
    if (this.#hasKeys) throw needsKey();
    return ANONYMOUS;
  }

  async #read(id: string): Promise<Known> {
    const record = await this.#store.getKey(id);
    const isGood = record !== undefined && record.revokedAtMs === undefined;
    const known: Known = {
      caller: isGood ? callerOfRecord(record) : undefined,
      hash: isGood ? Buffer.from(record.hash, 'hex') : NO_HASH,
      expiresAtMs: record?.expiresAtMs ?? Infinity,
      readMs: performance.now(),
    };
    if (this.#known.size >= KNOWN_MAX) this.#known.clear();
    if (isGood) this.#known.set(id, known);
    else this.#known.delete(id);
    return known;
  }
}

function admit({ caller, hash: expected, expiresAtMs }: Known, key: string): Caller {
  const isRight = timingSafeEqual(hash('sha256', key, 'buffer'), expected);
  if (!caller || !isRight) throw unauthorized('the key is not known here');
  if (expiresAtMs <= Date.now()) throw unauthorized('the key has expired');
  return caller;
}

function callerOfRecord({ id, tenant, scopes, skills }: ApiKeyRecord): Caller {
  return { id, tenant, scopes: new Set(scopes as readonly Scope[]), ...(skills && { skills }) };
}

function needsKey(): SkillCacheError {
  return unauthorized('this needs a key, in the header Authorization: Bearer sk_…');
}

function unauthorized(message: string): SkillCacheError {
  return new SkillCacheError('UNAUTHORIZED', message);
}
