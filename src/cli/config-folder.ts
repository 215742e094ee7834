/** A folder of options as node-config has it, read by its `Load`: nothing global, JSON alone, no code. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Load, Util, type LoadOptions } from 'config/lib/util.js';
import { toError } from '../errors.ts';

/** One file of the folder, in the order in which later ones win. */
export interface FolderFile {
  readonly path: string;
  readonly options: Readonly<Record<string, unknown>>;
}

export interface FolderVariables extends FolderFile {
  /** The file itself: the variable of each option. */
  readonly names: Readonly<Record<string, unknown>>;
}

export interface Folder {
  /** `default.json`, that of `NODE_ENV` (`production.json`), `local.json`; those that are there. */
  readonly files: readonly FolderFile[];
  /** What `custom-environment-variables.json` takes out of the environment: texts. */
  readonly variables: FolderVariables | undefined;
}

type Parse = (text: string, path: string) => Record<string, unknown>;

/** @throws what `parse` throws, and `Error` for a file that cannot be read. */
export function readConfigFolder(path: string, env: NodeJS.ProcessEnv, parse: Parse): Folder {
  let failure: unknown;
  const parser = {
    parse: (file: string, text: string): Record<string, unknown> => {
      try {
        return parse(text, file);
      } catch (error) {
        failure = error;
        throw error;
      }
    },
    getParser:
      () =>
      (_file: string | null, text: string): unknown =>
        JSON.parse(text),
    getFilesOrder: () => ['json'],
  };
  const load = new Load({
    configDir: resolve(path),
    nodeEnv: [env['NODE_ENV'] || 'development'],
    hostName: '',
    gitCrypt: true,
    parser: parser as unknown as NonNullable<LoadOptions['parser']>,
  });
  try {
    Util.loadFileConfigs(load);
    const files = load.getSources().map(toFile);
    load.loadCustomEnvVars();
    const [variables] = load.getSources().slice(files.length).map(toFile);
    if (!variables) return { files, variables };
    const names = parse(readFileSync(variables.path, 'utf8'), variables.path);
    return { files, variables: { ...variables, names } };
  } catch (error) {
    // Its own words say less than ours.
    throw failure ?? toError(error);
  }
}

function toFile({ name, parsed }: { name: string; parsed: unknown }): FolderFile {
  return { path: name, options: parsed as FolderFile['options'] };
}
