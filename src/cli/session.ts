/** What every command is given: its streams, its settings, its signal, and the library they name. */
import { accessSync, constants, existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Logger } from 'pino';
import { FileNotFoundError, abortError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import { logAlerts } from './alert-log.ts';
import { mergeData, readAssignments, readData, type Data, type ReadStdin } from './arguments.ts';
import type { GivenGrants } from './grants.ts';
import type { Output } from './output.ts';
import type { Settings } from './settings.ts';

export interface GlobalOptions {
  readonly db?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/**
 * `create`: a missing library is made. `existing`: a missing one is an error.
 * `read`: as `existing`, and read-only where it cannot be written. `optional`: as `read`, but where there is none,
 * an empty one in memory. `memory`: an empty one in any case.
 */
export type OpenMode = 'create' | 'existing' | 'read' | 'optional' | 'memory';

/** `--inputs`, `--input`, `--context`, `--parameters`. */
export interface DataOptions {
  readonly inputs?: string;
  readonly input?: readonly string[];
  readonly context?: string;
  readonly parameters?: string;
}

export interface CallData {
  readonly inputs: Data;
  readonly context?: Data;
  readonly parameters?: Data;
}

export class Session {
  readonly output: Output;
  /** Fires at SIGINT, SIGTERM, or when nobody reads stdout any more. */
  readonly signal: AbortSignal;
  /** For work that is to be finished: `signal` only asks from now on; the signal of the second interruption. */
  readonly bePatient: () => AbortSignal;
  readonly stdin: ReadStdin;
  readonly env: NodeJS.ProcessEnv;
  /** Says that the command runs until it is told to stop, and then takes the time it needs; a second signal ends it. */
  readonly lasts: () => void;
  readonly #global: GlobalOptions;
  readonly #warned = new Set<string>();

  constructor(parts: {
    output: Output;
    signal: AbortSignal;
    bePatient: () => AbortSignal;
    stdin: ReadStdin;
    env: NodeJS.ProcessEnv;
    global: GlobalOptions;
    lasts?: () => void;
  }) {
    this.output = parts.output;
    this.signal = parts.signal;
    this.bePatient = parts.bePatient;
    this.stdin = parts.stdin;
    this.env = parts.env;
    this.#global = parts.global;
    this.lasts = parts.lasts ?? (() => undefined);
  }

  async settings(): Promise<Settings> {
    const { readSettings } = await import('./settings.ts');
    const { db, config } = this.#global;
    const settings = await readSettings({ env: this.env, db, configFile: config });
    for (const name of settings.unknownVariables) this.#warnOnce(`${name} is set and is no option`);
    return settings;
  }

  #warnOnce(text: string): void {
    // With `--json` stderr is for one document.
    if (this.output.json || this.#warned.has(text)) return;
    this.#warned.add(text);
    this.output.warn(`${text}: \`skillcache config\` names them all`);
  }

  /** The path of the library, and whether there is a file at it. */
  async place(): Promise<{ path: string; exists: boolean }> {
    const { list } = await this.settings();
    const path = String(list.find((setting) => setting.key === 'path')?.value);
    return { path, exists: !isFile(path) || existsSync(path) };
  }

  /**
   * The caller closes it: `await using`. A command that runs one skill or none starts no worker ahead, unless
   * `workers.min` is set; one that runs many says `isLong`. Alerts go to `log`, if it has one of its own;
   * that has a level, and `--quiet` says nothing of it.
   */
  async open(
    mode: OpenMode,
    { isLong = false, grants, log }: { isLong?: boolean; grants?: GivenGrants['most']; log?: Logger } = {},
  ): Promise<SkillLibrary> {
    const given = (await this.settings()).options;
    const { path, exists } = await this.place();
    const mayBeReadonly = (mode === 'read' || mode === 'optional') && exists;
    const options = {
      ...(mayBeReadonly && !canBeWritten(path) && { readonly: true }),
      ...given,
      ...(!isLong && { workers: { min: 0, ...given.workers } }),
      ...(grants && { sandbox: { ...given.sandbox, grants } }),
    };
    if (!exists && (mode === 'existing' || mode === 'read')) {
      const message = `no library at ${path}; \`skillcache init\` makes one, \`--db\` names another`;
      throw new FileNotFoundError(message, { details: { path } });
    }
    const { SkillLibrary } = await import('../library.ts');
    if (this.signal.aborted) throw abortError(this.signal);
    const isInMemory = mode === 'memory' || (mode === 'optional' && !exists);
    const library = await SkillLibrary.open(isInMemory ? { ...options, path: ':memory:' } : options);
    if (log || !this.#global.quiet) logAlerts(library, { log });
    return library;
  }

  /** The data of one call, from its options. */
  async callData(options: DataOptions): Promise<CallData> {
    const read = async (word: string | undefined, option: string): Promise<Data | undefined> =>
      word === undefined ? undefined : readData(word, option, this.stdin, this.signal);
    const inputs = mergeData(
      await read(options.inputs, '--inputs'),
      await readAssignments(options.input ?? [], this.signal),
    );
    const context = await read(options.context, '--context');
    const parameters = await read(options.parameters, '--parameters');
    return { inputs, ...(context && { context }), ...(parameters && { parameters }) };
  }
}

/** The file and its folder, where SQLite keeps its log. */
export function canBeWritten(path: string): boolean {
  if (!isFile(path)) return true;
  try {
    for (const place of [path, dirname(resolve(path))]) accessSync(place, constants.W_OK);
    return true;
  } catch {
    // Whatever the reason: it can only be read.
    return false;
  }
}

function isFile(path: string): boolean {
  return path !== ':memory:' && !/^[a-z]+:\/\//i.test(path);
}
