/** Who asks. */
import { SkillCacheError, SkillNotFoundError } from '../errors.ts';

export const SCOPES = ['read', 'run', 'write', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export interface Caller {
  /** The key's id, or `anonymous`. */
  readonly id: string;
  readonly tenant: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Names, each of which may end in `*`; absent: every skill. */
  readonly skills?: readonly string[] | undefined;
}

export const DEFAULT_TENANT = 'default';

/** Whoever asks on a loopback address while there are no keys: may do everything. */
export const ANONYMOUS: Caller = { id: 'anonymous', tenant: DEFAULT_TENANT, scopes: new Set(SCOPES) };

/** @throws {SkillCacheError} FORBIDDEN */
export function expectScope({ scopes }: Caller, scope: Scope): void {
  if (scopes.has(scope) || scopes.has('admin')) return;
  throw new SkillCacheError(
    'FORBIDDEN',
    `this needs the scope ${scope}; the key has ${[...scopes].join(', ')}`,
  );
}

/** Whether the caller may know of a skill. */
export function maySee({ skills }: Caller, name: string): boolean {
  if (!skills) return true;
  const lower = name.toLowerCase();
  return skills.some((pattern) =>
    pattern.endsWith('*')
      ? lower.startsWith(pattern.slice(0, -1).toLowerCase())
      : lower === pattern.toLowerCase(),
  );
}

/** What a key may not touch does not exist for it. @throws {SkillNotFoundError} */
export function expectSkill(caller: Caller, reference: string): void {
  if (!caller.skills) return;
  const [name = ''] = reference.split('@');
  if (maySee(caller, name)) return;
  throw new SkillNotFoundError(`no skill ${reference}`, { details: { reference } });
}

/** Code that is not stored may call any skill. @throws {SkillCacheError} FORBIDDEN */
export function expectEverySkill({ skills }: Caller): void {
  if (!skills) return;
  throw new SkillCacheError(
    'FORBIDDEN',
    'the key is for certain skills only, and code of the caller’s may call any',
  );
}
