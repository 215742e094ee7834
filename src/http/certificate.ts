/** Certificate and key from files, read again when they change. */
import { readFileSync, statSync, watch, type FSWatcher } from 'node:fs';
import type { Server } from 'node:https';
import { dirname } from 'node:path';
import { createSecureContext } from 'node:tls';
import { ConfigurationError, toError } from '../errors.ts';

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Two files are not written at once: what changes them is given so long to write both. */
const SETTLE_MS = 200;

/** @throws {ConfigurationError} for a file that is missing, cannot be read, or does not go with the other. */
export function readCertificate({ certFile, keyFile }: CertificateFiles): { cert: Buffer; key: Buffer } {
  if (certFile === '' || keyFile === '') {
    const [given, missing] = certFile === '' ? ['keyFile', 'certFile'] : ['certFile', 'keyFile'];
    throw new ConfigurationError(`http.tls.${given} is set and http.tls.${missing} is not: it takes both`);
  }
  try {
    const read = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    createSecureContext(read);
    return read;
  } catch (cause) {
    const { message, code = '' } = toError(cause) as NodeJS.ErrnoException;
    const what = code.startsWith('ERR_OSSL')
      ? `${certFile} and ${keyFile} are no certificate and its key, as PEM: ${message}`
      : message;
    throw new ConfigurationError(`http.tls: ${what}`, { cause });
  }
}

/** Keeps serving with what it has where the new files are no good; `told` says so. What it returns ends it. */
export function watchCertificate(
  server: Pick<Server, 'setSecureContext'>,
  files: CertificateFiles,
  told: (error: Error | undefined) => void,
): { reload: () => void; stop: () => void } {
  let watchers: FSWatcher[] = [];
  let settling: NodeJS.Timeout | undefined;
  let read = stateOf(files);

  const stop = (): void => {
    clearTimeout(settling);
    for (const watcher of watchers) watcher.close();
    watchers = [];
  };
  const takeUp = (): void => {
    read = stateOf(files);
    try {
      server.setSecureContext(readCertificate(files));
      told(undefined);
    } catch (error) {
      told(toError(error));
    }
  };
  const look = (): void => {
    settling = undefined;
    if (stateOf(files) !== read) takeUp();
  };
  const settle = (): void => {
    settling ??= setTimeout(look, SETTLE_MS).unref();
  };
  const start = (): void => {
    try {
      for (const folder of foldersOf(files))
        watchers.push(watch(folder, { persistent: false }, settle).on('error', told));
    } catch (cause) {
      const message = `http.tls: only SIGHUP reads it again, its changes are not seen: ${toError(cause).message}`;
      told(new ConfigurationError(message, { cause }));
    }
  };
  const reload = (): void => {
    // A folder that was replaced is another one, which nobody watches.
    stop();
    settling = undefined;
    start();
    takeUp();
  };
  start();
  return { reload, stop };
}

/** A link is often what changes, and the file behind it stays: so folders are watched, and files compared. */
function foldersOf({ certFile, keyFile }: CertificateFiles): string[] {
  return [...new Set([dirname(certFile), dirname(keyFile)])];
}

function stateOf({ certFile, keyFile }: CertificateFiles): string {
  const states = [certFile, keyFile].map((file) => {
    try {
      const { ino, mtimeMs, size } = statSync(file);
      return `${ino} ${mtimeMs} ${size}`;
    } catch (error) {
      // Not to be seen is a state as well.
      return toError(error).message;
    }
  });
  return states.join(', ');
}
