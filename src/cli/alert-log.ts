/** Alerts, as one JSON line each on stderr: what a command that runs for long has to tell its operator. */
import type { Logger } from 'pino';
import type { SkillLibrary } from '../library.ts';

/** pino is loaded with the first alert: most commands end without one. */
export function logAlerts(library: SkillLibrary): void {
  let logger: Promise<Logger> | undefined;
  library.on('alert', (alert) => {
    logger ??= openLogger();
    const level = alert.state === 'resolved' ? 'info' : alert.severity === 'critical' ? 'error' : 'warn';
    const { message, ...rest } = alert;
    void logger.then((log) => log[level](rest, message));
  });
}

async function openLogger(): Promise<Logger> {
  const { pino } = await import('pino');
  // Written at once: a line must not be lost when the command ends.
  return pino({ name: 'skillcache' }, pino.destination({ dest: 2, sync: true }));
}
