/** Which value each option has, and where it came from: flag, environment, `--config` file or folder, or default. */
import { statSync } from 'node:fs';
import { ConfigurationError, FileNotFoundError, SkillCacheError } from '../errors.ts';
import { programSchema, type ProgramOptions, type ResolvedProgramOptions } from '../http-options.ts';
import type { SkillLibraryOptions } from '../options.ts';
import { jsonProblem } from './arguments.ts';
import type { FolderVariables } from './config-folder.ts';
import { readText } from './read-file.ts';
import { unknownVariables } from './unknown-variables.ts';

export type Source = 'default' | 'file' | 'env' | 'flag';

export interface Setting {
  /** Dotted: `run.timeoutMs`. */
  readonly key: string;
  readonly value: unknown;
  readonly source: Source;
  /** The file, variable or flag. */
  readonly origin?: string;
  /** The environment variable that sets it. */
  readonly variable: string;
}

export interface Settings {
  /** What `SkillLibrary.open` is given. */
  readonly options: SkillLibraryOptions;
  /** Every option with its value, those of the endpoint and the log included. */
  readonly program: ResolvedProgramOptions;
  readonly list: readonly Setting[];
  /** Variables that are named as ours are, set nothing, and are not like an option. */
  readonly unknownVariables: readonly string[];
}

export interface SettingsInput {
  readonly env: NodeJS.ProcessEnv;
  /** `--db` */
  readonly db?: string | undefined;
  /** `--config` */
  readonly configFile?: string | undefined;
}

interface Layer {
  readonly source: Source;
  readonly values: Map<string, { value: unknown; origin?: string }>;
  /** Those that it knows, whether they are set or not. */
  readonly variables?: Iterable<string>;
}

/**
 * Flags win over the environment, the environment over the file, the file over the defaults.
 * @throws {ConfigurationError} naming the file or variable, the key and what was expected.
 */
export async function readSettings({ env, db, configFile }: SettingsInput): Promise<Settings> {
  const defaults = leavesOf(programSchema.parse({}));
  const layers: Layer[] = [
    ...(await fileLayers(configFile ?? (env['SKILLCACHE_CONFIG'] || undefined), env, defaults)),
    await envLayer(env, defaults),
    { source: 'flag', values: new Map(db === undefined ? [] : [['path', { value: db, origin: '--db' }]]) },
  ];
  const given = new Map<string, unknown>();
  const keys = new Set([...defaults.keys(), ...layers.flatMap((layer) => Array.from(layer.values.keys()))]);
  const list = Array.from(keys, (key): Setting => {
    const layer = layers.findLast((each) => each.values.has(key));
    const found = layer?.values.get(key);
    const variable = variableOf(key);
    if (!layer || !found) return { key, value: defaults.get(key), source: 'default', variable };
    given.set(key, found.value);
    return { key, variable, source: layer.source, ...found };
  });
  const everything = nest(given);
  const program = check(everything, 'options');
  const { http: _http, log: _log, ...options } = everything;
  const variables = list.map(({ variable }) => variable);
  const unknown = unknownVariables(env, variables, otherVariables(list, layers));
  return { options, program, list, unknownVariables: unknown };
}

/** An option whose key ends in `Env` holds the name of one more; a folder may give an option one of its own. */
function otherVariables(list: readonly Setting[], layers: readonly Layer[]): Set<string> {
  const others = new Set(['SKILLCACHE_CONFIG', 'SKILLCACHE_KEY']);
  for (const { key, value } of list) if (key.endsWith('Env')) others.add(String(value));
  for (const { variables = [] } of layers) for (const name of variables) others.add(name);
  return others;
}

/** Of a file, or of a folder of files. */
async function fileLayers(
  path: string | undefined,
  env: NodeJS.ProcessEnv,
  defaults: ReadonlyMap<string, unknown>,
): Promise<Layer[]> {
  if (path === undefined) return [];
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    return [fileLayer(parseConfig(await readConfig(path), path), path)];
  }
  const { readConfigFolder } = await import('./config-folder.ts');
  const { files, variables } = readConfigFolder(path, env, parseConfig);
  if (files.length === 0) {
    const message = `${path} has no default.json, ${env['NODE_ENV'] || 'development'}.json or local.json`;
    throw new ConfigurationError(message, { details: { path } });
  }
  const layers = files.map(({ path: file, options }) => fileLayer(options, file));
  if (variables) layers.push(variablesLayer(variables, defaults));
  return layers;
}

function fileLayer(
  { $schema: _ignored, ...options }: Readonly<Record<string, unknown>>,
  path: string,
): Layer {
  check(options, path);
  const leaves = Array.from(
    leavesOf(options),
    ([key, leaf]) => [key, { value: leaf, origin: path }] as const,
  );
  return { source: 'file', values: new Map(leaves) };
}

function variablesLayer(
  { path, options: texts, names }: FolderVariables,
  defaults: ReadonlyMap<string, unknown>,
): Layer {
  const values: Layer['values'] = new Map();
  const variables = leavesOf(names);
  for (const [key, text] of leavesOf(texts)) {
    const value = fromText(String(text), defaults.get(key));
    check(
      nest(new Map([[key, value]])),
      `${String(variables.get(key) ?? variables.get(`${key}.__name`))} (${path})`,
    );
    values.set(key, { value, origin: path });
  }
  return { source: 'env', values, variables: Array.from(variables.values(), String) };
}

async function readConfig(path: string): Promise<string> {
  try {
    return await readText(path);
  } catch (error) {
    if (error instanceof FileNotFoundError)
      throw new FileNotFoundError(`no such configuration file: ${path}`, { cause: error });
    if (!(error instanceof SkillCacheError)) throw error;
    throw new ConfigurationError(error.message, { cause: error, details: { path } });
  }
}

function parseConfig(text: string, path: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    const { message, details } = jsonProblem(text, path);
    throw new ConfigurationError(message, { cause: error, details: { path, ...details } });
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new ConfigurationError(`${path}: expected a JSON object of options`, { details: { path } });
}

/** Every option has a variable: `run.timeoutMs` is `SKILLCACHE_RUN_TIMEOUT_MS`; `path` is `SKILLCACHE_DB`. */
function variableOf(key: string): string {
  if (key === 'path') return 'SKILLCACHE_DB';
  return `SKILLCACHE_${key.replaceAll('.', '_').replace(/([a-z])([A-Z])/g, '$1_$2')}`.toUpperCase();
}

/** `NAME_FILE` names a file that holds the value of `NAME`: for what is not to stand in the environment. */
async function envLayer(env: NodeJS.ProcessEnv, defaults: ReadonlyMap<string, unknown>): Promise<Layer> {
  const values: Layer['values'] = new Map();
  for (const [key, example] of defaults) {
    const variable = variableOf(key);
    const file = env[`${variable}_FILE`];
    const text = env[variable] || (file ? (await readConfig(file)).trim() : undefined);
    if (text === undefined || text === '') continue;
    const origin = env[variable] ? variable : `${variable}_FILE`;
    const value = fromText(text, example);
    check(nest(new Map([[key, value]])), origin);
    values.set(key, { value, origin });
  }
  return { source: 'env', values };
}

/** A variable's text as the kind of value that the option has; what does not fit is left for the check to refuse. */
function fromText(text: string, example: unknown): unknown {
  if (typeof example === 'number') return text.trim() === '' ? text : asNumber(text);
  if (typeof example === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (Array.isArray(example)) return text.split(',').map((item) => item.trim());
  return text;
}

function asNumber(text: string): unknown {
  const value = Number(text);
  return Number.isNaN(value) ? text : value;
}

interface Issue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

function check(options: unknown, source: string): ResolvedProgramOptions {
  const parsed = programSchema.safeParse(options);
  if (parsed.success) return parsed.data;
  const issues = (parsed.error.issues as readonly Issue[]).flatMap(explain);
  const text = issues.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new ConfigurationError(`${source}: ${text}`, { details: { source, issues } });
}

function explain({ path, message, keys }: Issue): { path: string; message: string }[] {
  const at = path.map(String);
  if (!keys) return [{ path: at.join('.') || '(options)', message }];
  const known = Object.keys(at.reduce<object>((held, key) => memberOf(held, key), programSchema.parse({})));
  return keys.map((key) => ({
    path: [...at, key].join('.'),
    message: `unknown option; expected one of ${known.join(', ')}`,
  }));
}

function memberOf(held: object, key: string): object {
  const member: unknown = Object.getOwnPropertyDescriptor(held, key)?.value;
  return typeof member === 'object' && member !== null ? member : {};
}

/** Every value by its dotted key; lists are values. */
function leavesOf(options: object, prefix = ''): Map<string, unknown> {
  const leaves = new Map<string, unknown>();
  for (const [key, value] of Object.entries(options)) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) leaves.set(prefix + key, value);
    else for (const [inner, leaf] of leavesOf(value as object, `${prefix}${key}.`)) leaves.set(inner, leaf);
  }
  return leaves;
}

/** The way back: keys were checked before, so that none is `__proto__`. */
function nest(values: ReadonlyMap<string, unknown>): ProgramOptions {
  const options: Record<string, unknown> = {};
  for (const [key, value] of values) {
    const names = key.split('.');
    const last = names.pop() ?? key;
    let at = options;
    for (const name of names) at = (at[name] ??= {}) as Record<string, unknown>;
    at[last] = value;
  }
  return options as ProgramOptions;
}
