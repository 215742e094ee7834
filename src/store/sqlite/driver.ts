/** The only way to better-sqlite3: guarded, because a wrong build of it takes the process down. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type Database from 'better-sqlite3';
import { ConfigurationError } from '../../errors.ts';

export type SqliteDatabase = Database.Database;
export type SqliteStatement = Database.Statement;

const require = createRequire(import.meta.url);
let constructor: typeof Database | undefined;

/**
 * Opens a connection with foreign keys on.
 * @throws {ConfigurationError} where the installed driver cannot run on this Node; SQLite's own errors as they are.
 */
export function openDatabase(
  path: string,
  options: { readonly: boolean; busyTimeoutMs: number },
): SqliteDatabase {
  constructor ??= loadDriver();
  const database = new constructor(path, { readonly: options.readonly, timeout: options.busyTimeoutMs });
  try {
    database.pragma('foreign_keys = ON');
    database.pragma('cache_size = -16000');
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** @throws {ConfigurationError} for a driver of major 13 or more without Node-API 10: it would crash the process. */
export function checkDriver(
  driverVersion: string,
  nodeApiVersion: string | undefined,
  nodeVersion: string,
): void {
  const major = Number.parseInt(driverVersion, 10);
  const nodeApi = Number(nodeApiVersion ?? 0);
  if (!(major >= 13) || nodeApi >= 10) return;
  throw new ConfigurationError(
    `better-sqlite3 ${driverVersion} needs Node-API 10, Node ${nodeVersion} has ${nodeApi}: ` +
      'use Node 22.14 or newer, or install better-sqlite3@12',
    { details: { driverVersion, nodeApi, nodeVersion } },
  );
}

/**
 * What an object of the driver calls when it is collected, where it was built with the headers of Node 24.19 or newer.
 * Node 24 asserts then that an environment is entered, which a collection need not find; Node 26 does not assert it.
 */
const REMOVES_HOOK = 'RemoveEnvironmentCleanupHook';
const ASSERTING_NODES: ReadonlySet<number> = new Set([24, 25]);

/**
 * `readBuild` gives what the driver was built to, where it was built here.
 * @throws {ConfigurationError} for a driver of major 12 or less that Node 24 would abort for, at some collection of memory.
 */
export function checkBuild(
  driverVersion: string,
  nodeVersion: string,
  readBuild: () => Buffer | undefined,
): void {
  if (Number.parseInt(driverVersion, 10) >= 13 || !ASSERTING_NODES.has(Number.parseInt(nodeVersion, 10)))
    return;
  if (!readBuild()?.includes(REMOVES_HOOK)) return;
  throw new ConfigurationError(
    `better-sqlite3 ${driverVersion} built for Node ${nodeVersion} ends the process when memory is collected: ` +
      'install better-sqlite3@13',
    { details: { driverVersion, nodeVersion } },
  );
}

function loadDriver(): typeof Database {
  const folder = installedFolder();
  const manifest = readFileSync(join(folder, 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  checkDriver(version, process.versions['napi'], process.versions.node);
  const build = join(folder, 'build', 'Release', 'better_sqlite3.node');
  checkBuild(version, process.versions.node, () => (existsSync(build) ? readFileSync(build) : undefined));
  return require('better-sqlite3') as typeof Database;
}

// Found from its entry: the driver itself must not be loaded yet.
function installedFolder(): string {
  let folder = dirname(require.resolve('better-sqlite3'));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}
