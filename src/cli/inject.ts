/** `skillcache inject` */
import type { SkillLibrary } from '../library.ts';
import { mergeData, type Data } from './arguments.ts';
import { changedLines, markChanges } from './changed-lines.ts';
import { readProgram, type ProgramSource } from './program-source.ts';
import type { DataOptions, Session } from './session.ts';

export interface InjectCommandOptions extends DataOptions {
  readonly diff?: boolean;
  readonly language?: 'javascript' | 'typescript';
}

interface Source {
  readonly code: string;
  readonly language?: 'javascript' | 'typescript';
  readonly parameters?: Data;
}

export async function inject(session: Session, word: string, options: InjectCommandOptions): Promise<void> {
  const program = await readProgram(word, session.stdin, session.signal);
  const data = await session.callData(options);
  await using library = await session.open(program.kind === 'code' ? 'optional' : 'read');
  const { code, parameters, language } = await sourceOf(library, program, options);
  const call = { ...data, parameters: mergeData(parameters, data.parameters), ...(language && { language }) };
  const filled = library.inject(code, call);
  const { output } = session;
  const before = (): string => library.inject(code, { inputs: {}, ...(language && { language }) }).code;
  if (output.json) output.value({ ...filled, changed: changedLines(before(), filled.code) });
  else if (options.diff) output.text(markChanges(before(), filled.code, output.paint));
  else output.source(filled.code);
  output.note(`filled: ${filled.injected.join(', ') || 'nothing'}`);
  if (filled.unused.length > 0) output.note(`not a hole of this code: ${filled.unused.join(', ')}`);
}

async function sourceOf(
  library: SkillLibrary,
  program: ProgramSource,
  options: InjectCommandOptions,
): Promise<Source> {
  if (program.kind === 'code') {
    const language = options.language ?? program.language;
    return { code: program.code, ...(language && { language }) };
  }
  const { definition } = await library.get(program.reference);
  return { code: definition.code, language: definition.language, parameters: definition.parameters };
}
