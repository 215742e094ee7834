/** What else may have been meant by a name that no skill has. */
import { SkillNotFoundError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import { distanceMax, editDistance } from './edit-distance.ts';
import type { Session } from './session.ts';

const PAGE = 1_000;
const NAMES_LOOKED_AT_MAX = 20_000;
const SHOWN_MAX = 3;

/** The error with the names that come near; as it is where none does, or the library does not open again. */
export async function withSimilarNames(
  error: SkillNotFoundError,
  session: Session,
): Promise<SkillNotFoundError> {
  const { name, reference } = error.details;
  const asked =
    typeof name === 'string' ? name : typeof reference === 'string' ? (reference.split('@', 1)[0] ?? '') : '';
  if (asked === '' || session.signal.aborted) return error;
  try {
    await using library = await session.open('read');
    const similar = await similarNames(asked, library, session.signal);
    if (similar.length === 0) return error;
    const message = `${error.message}; did you mean ${similar.join(', ')}?`;
    return new SkillNotFoundError(message, { cause: error, details: { ...error.details, similar } });
  } catch {
    // The first error is what matters.
    return error;
  }
}

async function similarNames(asked: string, library: SkillLibrary, signal: AbortSignal): Promise<string[]> {
  const most = distanceMax(asked);
  const found: { name: string; distance: number }[] = [];
  let after: string | undefined;
  for (let seen = 0; seen < NAMES_LOOKED_AT_MAX; seen += PAGE) {
    const page = await library.list({ limit: PAGE, signal, ...(after !== undefined && { after }) });
    for (const { name } of page) {
      const distance = editDistance(asked.toLowerCase(), name.toLowerCase(), most);
      // The name itself is there: what is missing is a version of it.
      if (distance > 0 && distance <= most) found.push({ name, distance });
    }
    after = page.at(-1)?.name;
    if (page.length < PAGE) break;
  }
  return found
    .toSorted((left, right) => left.distance - right.distance)
    .slice(0, SHOWN_MAX)
    .map(({ name }) => name);
}
