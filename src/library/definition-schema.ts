/** What a skill definition looks like, for whoever describes it to others. */
import { definitionJsonSchema } from '../skills/skill.ts';

/** JSON Schema of what `add` takes. */
export function skillDefinitionJsonSchema(): object {
  return definitionJsonSchema();
}
