/** `skillcache list` and `skillcache search` */
import type { Session } from './session.ts';

export interface ListCommandOptions {
  readonly limit: number;
  readonly after?: string;
  readonly tag?: readonly string[];
}

export async function list(session: Session, options: ListCommandOptions): Promise<void> {
  await using library = await session.open('read');
  const { limit, after, tag = [] } = options;
  const page = await library.list({
    limit,
    tags: tag,
    signal: session.signal,
    ...(after !== undefined && { after }),
  });
  const last = page.at(-1)?.name;
  const more =
    page.length === limit && last !== undefined
      ? await library.list({ limit: 1, after: last, tags: tag, signal: session.signal })
      : [];
  const next = more.length > 0 && last !== undefined ? last : null;
  const { output } = session;
  output.answer({ skills: page, next }, () =>
    page.length === 0
      ? ''
      : output.table(
          [
            { title: 'NAME' },
            { title: 'VERSION', align: 'right' },
            { title: 'PURE' },
            { title: 'TAGS' },
            { title: 'DESCRIPTION', isFlexible: true },
          ],
          page.map((skill) => [
            skill.name,
            String(skill.version),
            skill.pure ? 'yes' : 'no',
            skill.tags.join(','),
            skill.description,
          ]),
        ),
  );
  if (page.length === 0) output.note('no skills');
  if (next !== null) output.note(`more: skillcache list --after ${next}`);
}

export interface SearchCommandOptions {
  readonly limit: number;
  readonly tag?: readonly string[];
}

export async function search(
  session: Session,
  words: readonly string[],
  options: SearchCommandOptions,
): Promise<void> {
  await using library = await session.open('read');
  const query = words.join(' ');
  const hits = await library.search(query, {
    limit: options.limit,
    tags: options.tag ?? [],
    signal: session.signal,
  });
  const { output } = session;
  output.answer({ query, hits }, () =>
    hits.length === 0
      ? ''
      : output.table(
          [{ title: 'NAME' }, { title: 'SCORE', align: 'right' }, { title: 'DESCRIPTION', isFlexible: true }],
          hits.map((hit) => [hit.name, hit.score.toFixed(2), hit.description]),
        ),
  );
  if (hits.length === 0) output.note(`nothing found for: ${query}`);
}
