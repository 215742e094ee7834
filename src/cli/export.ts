/** `skillcache export` */
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { UsageError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import { plainLine } from './plain-text.ts';
import type { Session } from './session.ts';
import { harmlessJson } from '../value-text.ts';

export type ExportFormat = 'ndjson' | 'json' | 'folders';

export interface ExportCommandOptions {
  readonly out?: string;
  readonly format?: ExportFormat;
  /** Folders that exist are written over. */
  readonly force?: boolean;
}

type Definition = ReturnType<SkillLibrary['definitions']> extends AsyncIterable<infer Each> ? Each : never;

export async function exportSkills(
  session: Session,
  names: readonly string[],
  { out, format: asked, force = false }: ExportCommandOptions,
): Promise<void> {
  const { output } = session;
  const format = asked ?? formatOf(out, output.json);
  if (format === 'folders' && out === undefined) throw new UsageError('--format folders needs --out DIR');
  if (format === 'ndjson' && out === undefined && output.json) {
    throw new UsageError('--json prints one document: ask for --format json, or name a file with --out');
  }
  await using library = await session.open('read');
  const definitions = counted(definitionsOf(library, names, session.signal));
  if (out === undefined) {
    for await (const chunk of documentOf(definitions, format)) output.data(chunk);
    return;
  }
  if (format === 'folders') await library.exportFolder(out, definitions, { overwrite: force });
  else await writeWhole(out, documentOf(definitions, format));
  output.answer(
    { out, format, skills: definitions.count },
    () => `wrote ${definitions.count} ${definitions.count === 1 ? 'skill' : 'skills'} to ${plainLine(out)}`,
  );
}

function formatOf(out: string | undefined, json: boolean): ExportFormat {
  if (out === undefined) return json ? 'json' : 'ndjson';
  if (out.endsWith('.ndjson') || out.endsWith('.jsonl')) return 'ndjson';
  if (out.endsWith('.json')) return 'json';
  // Likelier a file than a folder of that name.
  if (/^\.[a-z]\w{0,5}$/i.test(extname(out)) && !existsSync(out)) {
    throw new UsageError(`--out ${out}: say --format ndjson, json or folders, which its name does not tell`);
  }
  return 'folders';
}

/** Those named, a missing one refused before anything is written; else all, in name order. */
async function* definitionsOf(
  library: SkillLibrary,
  names: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Definition> {
  if (names.length === 0) {
    yield* library.definitions({ signal });
    return;
  }
  const found = await Promise.all(names.map((name) => library.get(name)));
  for (const { definition } of found) yield definition;
}

interface Counted extends AsyncIterable<Definition> {
  count: number;
}

function counted(definitions: AsyncIterable<Definition>): Counted {
  return {
    count: 0,
    async *[Symbol.asyncIterator]() {
      for await (const definition of definitions) {
        this.count += 1;
        yield definition;
      }
    },
  };
}

async function* documentOf(
  definitions: AsyncIterable<Definition>,
  format: 'ndjson' | 'json' | 'folders',
): AsyncGenerator<string> {
  let separator = format === 'json' ? '[\n' : '';
  for await (const definition of definitions) {
    yield separator + harmlessJson(JSON.stringify(definition));
    separator = format === 'json' ? ',\n' : '\n';
  }
  if (format === 'json') yield separator === '[\n' ? '[]\n' : '\n]\n';
  else if (separator !== '') yield '\n';
}

/** A reader sees the old file or the new one, never half of it. */
async function writeWhole(path: string, chunks: AsyncIterable<string>): Promise<void> {
  const half = `${path}.${process.pid}.part`;
  try {
    await using file = await open(half, 'wx');
    for await (const chunk of chunks) await file.write(chunk);
    await file.sync();
    await rename(half, path);
  } catch (error) {
    await rm(half, { force: true });
    throw fileError(error, path);
  }
}

function fileError(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === undefined || !/^E[A-Z]+$/.test(code)) return error;
  const why = code === 'ENOENT' ? `there is no folder ${dirname(path)}` : code;
  return new UsageError(`${path} cannot be written: ${why}`, { cause: error, details: { path } });
}
