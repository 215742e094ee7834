/** Whole libraries out, a page at a time. */
import { resolve } from 'node:path';
import { writeSkillFolder } from '../skills/skill-folder.ts';
import type { SkillDefinition } from '../skills/skill.ts';
import type { DefinitionsPage } from '../store/store.ts';

/** Every current definition, in name order. */
export async function* eachDefinition(
  read: (page: DefinitionsPage) => Promise<readonly SkillDefinition[]>,
  options: { signal?: AbortSignal },
): AsyncGenerator<SkillDefinition> {
  for (let after = ''; ;) {
    const page = await read({ ...options, ...(after && { after }) });
    yield* page;
    const last = page.at(-1);
    if (!last) return;
    after = last.name;
  }
}

/** Writes definitions as folders of the Agent Skills format into `parent`; their paths. */
export async function writeFolders(
  parent: string,
  definitions: AsyncIterable<SkillDefinition>,
  options: { overwrite?: boolean },
): Promise<string[]> {
  const folders: string[] = [];
  for await (const definition of definitions) {
    const folder = resolve(parent, definition.name);
    await writeSkillFolder(folder, definition, options);
    folders.push(folder);
  }
  return folders;
}
