/** `skillcache keys` */
import { UsageError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import type { ApiKeyRecord } from '../store/service-store.ts';
import type { Session } from './session.ts';

export interface KeyCreateOptions {
  readonly name?: string;
  readonly tenant: string;
  readonly scope?: readonly string[];
  readonly skill?: readonly string[];
  readonly expires?: number;
}

const TENANT = /^[a-z0-9][a-z0-9-]{0,31}$/;
const NAME_LENGTH_MAX = 100;

/** The key is shown once, and is not known again. */
export async function createKey(session: Session, options: KeyCreateOptions): Promise<void> {
  const { SCOPES } = await import('../http/caller.ts');
  const { makeKey } = await import('../http/key-ring.ts');
  const { name = '', tenant, scope: scopes = ['read', 'run'], skill: skills, expires } = options;
  if (!TENANT.test(tenant))
    throw new UsageError(`--tenant ${tenant}: lower-case letters, digits and -, at most 32`);
  if (name.length > NAME_LENGTH_MAX)
    throw new UsageError(`--name has more than ${NAME_LENGTH_MAX} characters`);
  const known = new Set<string>(SCOPES);
  const wrong = scopes.find((scope) => !known.has(scope));
  if (wrong !== undefined) throw new UsageError(`--scope ${wrong}: expected ${SCOPES.join(', ')}`);
  const pattern = /^[A-Za-z][A-Za-z0-9_-]{0,63}\*?$|^\*$/;
  const bad = skills?.find((one) => !pattern.test(one));
  if (bad !== undefined) throw new UsageError(`--skill ${bad}: expected a name, which may end in *`);
  const { key, record } = makeKey({
    name,
    tenant,
    scopes: [...new Set(scopes)],
    ...(skills && { skills }),
    ...(expires !== undefined && { expiresAtMs: Date.now() + expires }),
  });
  await using library = await session.open('create');
  await library.service.addKey(record);
  await writeDown(library, 'key.create', record);
  session.output.answer({ key, ...shown(record) }, () => key);
  if (!session.output.json) session.output.note('It is shown this once: only its hash is kept.');
}

export async function listKeys(session: Session): Promise<void> {
  await using library = await session.open('read');
  const keys = await library.service.listKeys();
  const { output } = session;
  output.answer({ keys: keys.map(shown) }, () =>
    output.table(
      [
        { title: 'ID' },
        { title: 'NAME', isFlexible: true },
        { title: 'TENANT' },
        { title: 'SCOPES' },
        { title: 'SKILLS' },
        { title: 'STATE' },
      ],
      keys.map((key) => [
        key.id,
        key.name,
        key.tenant,
        key.scopes.join(','),
        key.skills?.join(',') ?? 'all',
        stateOf(key),
      ]),
    ),
  );
}

/** Ends within a second for a service that is running. */
export async function revokeKey(session: Session, word: string): Promise<void> {
  const id = /^sk_([a-z0-9]{12})_/.exec(word)?.[1] ?? word;
  await using library = await session.open('existing');
  const record = await library.service.getKey(id);
  if (!record || !(await library.service.revokeKey(id, Date.now()))) {
    throw new UsageError(`no key ${id} that is not revoked; \`skillcache keys list\` names them`);
  }
  await writeDown(library, 'key.revoke', record);
  session.output.answer({ id, revoked: true }, () => `revoked ${id}`);
}

function writeDown(library: SkillLibrary, action: string, { id, tenant }: ApiKeyRecord): Promise<void> {
  const entry = { atMs: Date.now(), tenant, caller: 'cli', action, target: id, outcome: 'ok', count: 1 };
  return library.service.appendAudit([entry]);
}

function shown({ hash: _hash, ...rest }: ApiKeyRecord): object {
  return rest;
}

function stateOf({ revokedAtMs, expiresAtMs }: ApiKeyRecord): string {
  if (revokedAtMs !== undefined) return 'revoked';
  if (expiresAtMs === undefined) return 'valid';
  return expiresAtMs <= Date.now() ? 'expired' : `until ${new Date(expiresAtMs).toISOString()}`;
}
