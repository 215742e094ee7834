/** `skillcache remove` and `skillcache rollback` */
import { UsageError } from '../errors.ts';
import type { Session } from './session.ts';

export async function remove(session: Session, name: string): Promise<void> {
  const [skill = name, version] = name.split('@');
  if (version !== undefined) {
    const advice = `\`skillcache remove ${skill}\` removes all, \`skillcache rollback ${skill}\` goes back to an older one`;
    throw new UsageError(`${name} is one version, and versions cannot be removed: ${advice}`);
  }
  await using library = await session.open('existing');
  await library.remove(name);
  session.output.answer({ removed: name }, () => `removed ${name}`);
}

export async function rollback(session: Session, name: string, options: { to?: number }): Promise<void> {
  await using library = await session.open('existing');
  const moved = await library.rollback(name, options.to);
  session.output.answer(
    moved,
    () => `${moved.name} is at version ${moved.version} now (digest ${moved.digest.slice(0, 12)})`,
  );
}
