/** The log of the service: one JSON line an event on stderr, with what is secret left out. */
import { pino, type Logger } from 'pino';
import type { LogOptions } from '../http-options.ts';

/** Whatever may carry a key or what a caller keeps to itself. */
const REDACTED = [
  'authorization',
  'key',
  'secret',
  '*.authorization',
  '*.key',
  '*.secret',
  'headers.cookie',
  'err.details.error',
  'err.details.logs',
];

export async function openLog({ level, redact }: LogOptions): Promise<Logger> {
  return pino(
    { name: 'skillcache', level, redact: { paths: [...REDACTED, ...redact], censor: '[redacted]' } },
    pino.destination({ dest: 2, sync: true }),
  );
}
