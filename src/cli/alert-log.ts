/** Alerts, as one JSON line each on stderr: what a command that runs for long has to tell its operator. */
import type { Logger } from 'pino';
import type { SkillLibrary } from '../library.ts';

export interface AlertLog {
  /** The command's own, if it has one; else pino is loaded with the first alert: most commands end without one. */
  readonly log?: Logger | undefined;
  /** What each line tells beside. */
  readonly fields?: Readonly<Record<string, string>>;
}

export function logAlerts(library: Pick<SkillLibrary, 'on'>, { log, fields = {} }: AlertLog = {}): void {
  let opened: Promise<Logger> | undefined;
  library.on('alert', (alert) => {
    const level = alert.state === 'resolved' ? 'info' : alert.severity === 'critical' ? 'error' : 'warn';
    const { message, ...rest } = alert;
    const write = (to: Logger): void => to[level]({ ...fields, ...rest }, message);
    if (log) return write(log);
    opened ??= openLogger();
    return void opened.then(write);
  });
}

async function openLogger(): Promise<Logger> {
  const { pino } = await import('pino');
  // Written at once: a line must not be lost when the command ends.
  return pino({ name: 'skillcache' }, pino.destination({ dest: 2, sync: true }));
}
