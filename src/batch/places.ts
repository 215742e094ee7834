/** Where a batch reads and writes: looked at before anything runs. */
import { access, constants, stat } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { Readable, Writable } from 'node:stream';
import type { BatchFormat } from '../batch-options.ts';
import { ConfigurationError, FileNotFoundError } from '../errors.ts';
import type { JobInput, JobOutput } from './job.ts';

/** Whether a file is the library's own: its database, what belongs to that, its batches. */
export type IsOwn = (path: string) => Promise<boolean>;

/** @throws {FileNotFoundError}; {ConfigurationError} for what can be no inputs. */
export async function inputPlace(
  inputs: unknown,
  format: BatchFormat | undefined,
  isOwn: IsOwn,
): Promise<JobInput> {
  if (inputs instanceof Readable) return { kind: 'stream', path: '-', format: format ?? 'ndjson' };
  const path = pathOf(inputs, 'inputs');
  const found = await statOf(path);
  if (!found) throw new FileNotFoundError(`no such file: ${path}`, { details: { path } });
  if (found.isDirectory()) throw wrong('inputs', `${path} is a folder`);
  await refuseOwn('inputs', path, isOwn);
  const place = { path, format: format ?? formatOf(path) };
  if (!found.isFile()) return { kind: 'stream', ...place };
  await access(path, constants.R_OK).catch((cause: unknown) => {
    throw wrong('inputs', `${path} cannot be read`, cause);
  });
  return { kind: 'file', ...place, bytes: found.size, modifiedAtMs: found.mtimeMs };
}

/** @throws {ConfigurationError} for an output that cannot be written, or that is what is read. */
export async function outputPlace(output: unknown, input: JobInput, isOwn: IsOwn): Promise<JobOutput> {
  if (output instanceof Writable) return { kind: 'stream', path: '-' };
  const path = pathOf(output, 'output');
  const found = await statOf(path);
  if (found?.isDirectory()) throw wrong('output', `${path} is a folder`);
  if (found?.isSocket()) throw wrong('output', `${path} is a socket`);
  if (path === input.path || isSame(found, await statOf(input.path)))
    throw wrong('output', `${path} is the inputs`);
  await refuseOwn('output', path, isOwn);
  const folder = dirname(path);
  const isFolder = (await statOf(folder))?.isDirectory() === true;
  if (!isFolder) throw wrong('output', `the folder ${folder} does not exist`);
  await access(found ? path : folder, constants.W_OK).catch((cause: unknown) => {
    throw wrong('output', `${path} cannot be written`, cause);
  });
  return { kind: !found || found.isFile() ? 'file' : 'stream', path };
}

/** @throws {ConfigurationError} */
export async function refuseOwn(name: 'inputs' | 'output', path: string, isOwn: IsOwn): Promise<void> {
  if (await isOwn(path)) throw wrong(name, `${path} is the library’s own file, or in a folder of its own`);
}

function formatOf(path: string): BatchFormat {
  if (/\.csv$/i.test(path)) return 'csv';
  return /\.json$/i.test(path) ? 'json' : 'ndjson';
}

function pathOf(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '' && !value.includes('\0')) return resolve(value);
  throw wrong(name, 'expected a path or a stream');
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch {
    // Whatever keeps it from being looked at is told when it is opened.
    return undefined;
  }
}

const isSame = (left: Stats | undefined, right: Stats | undefined): boolean =>
  left !== undefined && right !== undefined && left.dev === right.dev && left.ino === right.ino;

export function wrong(path: string, message: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(`${path}: ${message}`, { cause, details: { issues: [{ path, message }] } });
}
