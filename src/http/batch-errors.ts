/** What is said of a batch that is wrong: nothing of the places of its files. */
import { BatchNotFoundError, SkillCacheError } from '../errors.ts';

export const notFound = (id: string): SkillCacheError =>
  new BatchNotFoundError(`no batch ${id} is kept here`, { details: { id } });

export async function told<T>(folder: string, work: () => Promise<T>, id: string): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof BatchNotFoundError) throw notFound(id);
    throw withoutPaths(thrown, folder);
  }
}

export function withoutPaths(thrown: unknown, folder: string): unknown {
  if (!(thrown instanceof SkillCacheError) || !thrown.message.includes(folder)) return thrown;
  return new SkillCacheError(thrown.code, thrown.message.replaceAll(`${folder}/`, ''), { cause: thrown });
}
