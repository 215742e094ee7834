/** `skillcache serve` */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Service } from '../http/service.ts';
import type { SkillLibrary } from '../library.ts';
import { packageVersion } from '../package-root.ts';
import { logAlerts } from './alert-log.ts';
import { openLog } from './service-log.ts';
import type { Session } from './session.ts';

export interface ServeOptions {
  readonly host?: string;
  readonly port?: number;
  /** A folder whose skills are imported first; false: none. */
  readonly skills?: string | false;
}

/** Runs until it is told to stop; then lets what is under way finish. */
export async function serve(session: Session, given: ServeOptions): Promise<number> {
  const { http, log: logOptions } = (await session.settings()).program;
  const options = { ...http, ...(given.host !== undefined && { host: given.host }) };
  if (given.port !== undefined) options.port = given.port;
  const log = await openLog(logOptions);
  await using library = await session.open('create', { isLong: true, log });
  const { startService } = await import('../http/service.ts');
  const service = await startService({
    library,
    options,
    log,
    version: packageVersion(),
    openTenant: (tenant) => openTenant(library, tenant, log),
  });
  session.lasts();
  const reload = (): void => void reloadSettings(session, service, log);
  process.on('SIGHUP', reload);
  try {
    await importSkills(session, library, given.skills, log);
    service.ready();
    tellWhere(session, service.url, {
      certFile: http.tls.certFile,
      needsKey: await library.service.hasKeys(),
    });
    await stopped(session.signal);
  } catch (error) {
    // Told to stop while it still imports: no failure.
    if (!session.signal.aborted) throw error;
  } finally {
    process.off('SIGHUP', reload);
    log.info({}, 'stopping');
    await service.close(library.options.closeTimeoutMs);
    await library.close();
    log.info({}, 'stopped');
  }
  return 0;
}

/** Beside the library: `skills.db` has its tenants in `skills.db.tenants`. */
async function openTenant(library: SkillLibrary, tenant: string, log: Logger): Promise<SkillLibrary> {
  const { SkillLibrary: Library } = await import('../library.ts');
  const { options } = library;
  const folder = `${options.path}.tenants`;
  if (options.path !== ':memory:') await mkdir(folder, { recursive: true, mode: 0o700 });
  const path = options.path === ':memory:' ? ':memory:' : join(folder, `${tenant}.db`);
  const own = await Library.open({ ...options, path, workers: { ...options.workers, min: 0 } });
  logAlerts(own, { log, fields: { tenant } });
  return own;
}

/** Keys, certificate, limits and log level; what is wrong with the settings leaves them as they are. */
async function reloadSettings(session: Session, service: Service, log: Logger): Promise<void> {
  try {
    const { http, log: logOptions } = (await session.settings()).program;
    service.reload(http);
    log.level = logOptions.level;
    log.info({}, 'keys, certificate, limits and log level were read again');
  } catch (error) {
    log.error({ err: error }, 'the settings are wrong: everything stays as it was');
  }
}

/** The folder named, else `skills` where there is one. */
async function importSkills(
  session: Session,
  library: SkillLibrary,
  given: string | false | undefined,
  log: Logger,
): Promise<void> {
  if (given === false || library.options.readonly) return;
  const path = given ?? (existsSync('skills') ? 'skills' : undefined);
  if (path === undefined) return;
  const counts = { imported: 0, unchanged: 0, refused: 0 };
  for await (const { status, name, source, reason } of library.import(path, { signal: session.signal })) {
    counts[status] += 1;
    if (status === 'refused') log.warn({ skill: name, source, reason }, 'a skill was not imported');
  }
  log.info({ folder: path, ...counts }, 'skills were imported');
}

/** What the line to try needs beside the address. */
interface Terms {
  /** Of the service, where it speaks TLS. */
  readonly certFile: string;
  readonly needsKey: boolean;
}

function tellWhere({ output }: Session, url: string, { certFile, needsKey }: Terms): void {
  if (output.json) {
    output.value({ url, docs: `${url}/docs`, openapi: `${url}/openapi.json` });
    return;
  }
  const trust = certFile === '' ? '' : ` --cacert '${certFile.replaceAll("'", `'\\''`)}'`;
  const key = needsKey ? ' -H "authorization: Bearer $SKILLCACHE_KEY"' : '';
  output.text(
    [
      `Serving at ${url}`,
      `  docs     ${url}/docs`,
      `  health   ${url}/readyz`,
      `  metrics  ${url}/metrics`,
      'Try:',
      `  curl -s${trust} ${url}/v1/run${key} -H 'content-type: application/json' -d '{"code":"const n = 1; n * 2","inputs":{"n":21}}'`,
    ].join('\n'),
  );
}

function stopped(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
