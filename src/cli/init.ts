/** `skillcache init` */
import { plainLine } from './plain-text.ts';
import type { Session } from './session.ts';

export async function init(session: Session): Promise<void> {
  const { path, exists } = await session.place();
  await using library = await session.open('create');
  const skills = (await library.list({ limit: 1, signal: session.signal })).length;
  const isFresh = !exists || path === ':memory:';
  session.output.answer({ path, created: isFresh, empty: skills === 0 }, () =>
    isFresh
      ? `created an empty library at ${plainLine(path)}`
      : `${plainLine(path)} is a library already${skills === 0 ? ', still empty' : ''}`,
  );
}
