/** What a skill definition looks like, for whoever describes it to others. */
import { definitionJsonSchema } from '../skills/skill.ts';

/** JSON Schema of what `add` takes, but for the name, where that is said elsewhere. */
export function skillDefinitionJsonSchema(): object {
  const { required, ...schema } = definitionJsonSchema() as { readonly required: readonly string[] };
  return { ...schema, required: required.filter((name) => name !== 'name') };
}
