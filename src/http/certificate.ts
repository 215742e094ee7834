/** Certificate and key from files, read again when they change. */
import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Server } from 'node:https';
import { ConfigurationError, toError } from '../errors.ts';

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

const LOOK_EVERY_MS = 5_000;

/** @throws {ConfigurationError} for a file that cannot be read. */
export function readCertificate({ certFile, keyFile }: CertificateFiles): { cert: Buffer; key: Buffer } {
  try {
    return { cert: readFileSync(certFile), key: readFileSync(keyFile) };
  } catch (cause) {
    throw new ConfigurationError(`http.tls: ${toError(cause).message}`, { cause });
  }
}

/** Keeps serving with what it has where the new files are no good; `told` says so. What it returns ends it. */
export function watchCertificate(
  server: Pick<Server, 'setSecureContext'>,
  files: CertificateFiles,
  told: (error: Error | undefined) => void,
): { reload: () => void; stop: () => void } {
  const reload = (): void => {
    try {
      server.setSecureContext(readCertificate(files));
      told(undefined);
    } catch (error) {
      told(toError(error));
    }
  };
  for (const file of [files.certFile, files.keyFile]) {
    watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, reload);
  }
  const stop = (): void => {
    for (const file of [files.certFile, files.keyFile]) unwatchFile(file, reload);
  };
  return { reload, stop };
}
