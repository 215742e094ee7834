/** Whether this version of Node takes a skill's code: it knows more of early errors than a parser does, and less of new syntax. */
import { Script } from 'node:vm';
import { SkillSyntaxError } from '../errors.ts';
import type { Template } from '../inject/template.ts';

/**
 * Compiles, and runs nothing.
 * @throws {SkillSyntaxError} with the line, where the engine tells it.
 */
export function expectCompilable({ source, fileName }: Template): void {
  try {
    void new Script(source, { filename: fileName, lineOffset: -1 });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const line = Number(/^[^\n]*:(\d+)\n/.exec(error.stack ?? '')?.[1]);
    const place = line > 0 ? ` at line ${line}` : '';
    throw new SkillSyntaxError(`${error.message}${place} (Node ${process.versions.node} cannot compile it)`, {
      cause: error,
      details: line > 0 ? { line } : {},
    });
  }
}
