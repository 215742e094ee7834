/** The service: one server, its routes, and its way through life: starting, ready, draining, gone. */
import type { Server as HttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { ConfigurationError } from '../errors.ts';
import type { HttpOptions } from '../http-options.ts';
import type { SkillLibrary } from '../library.ts';
import { Doorway } from '../library/doorway.ts';
import { RunTurns } from '../library/run-turns.ts';
import { HttpCounters, type HttpNumbers } from '../monitor/http-metrics.ts';
import { Admission } from './admission.ts';
import { AnswerBursts } from './answer-bursts.ts';
import { AnswerGroups } from './answer-groups.ts';
import { buildApp } from './app.ts';
import { AuditTrail } from './audit-trail.ts';
import { ANONYMOUS, type Caller } from './caller.ts';
import { watchCertificate } from './certificate.ts';
import { Clients } from './client-gone.ts';
import type { ServiceContext } from './context.ts';
import { isLoopback } from './guard.ts';
import { KeyRing } from './key-ring.ts';
import { KeptRuns } from './kept-runs.ts';
import { knownError } from './problem.ts';
import { RateLimit } from './rate-limit.ts';
import { addRoutes } from './route.ts';
import { batchRoutes } from './routes-batches.ts';
import { codeRoutes } from './routes-code.ts';
import { documentRoutes, operationRoutes, type Operating } from './routes-operation.ts';
import { keptRunRoutes } from './routes-kept-runs.ts';
import { runRoutes } from './routes-runs.ts';
import { skillRoutes } from './routes-skills.ts';
import { ServedBatches } from './served-batches.ts';
import { logFailure, type ServiceLog } from './service-log.ts';
import { StalledClients } from './stalled.ts';
import { Tenants, type OpenTenant } from './tenants.ts';

/** For answers to leave after the grace period. */
const LAST_WORDS_MS = 2_000;

export interface ServiceParts {
  readonly library: SkillLibrary;
  readonly options: HttpOptions;
  readonly log: ServiceLog;
  readonly version: string;
  /** Opens the library of a tenant that is not the default one. */
  readonly openTenant: OpenTenant;
}

export interface Service {
  /** `http://127.0.0.1:7433` */
  readonly url: string;
  /** Until then `/readyz` says `starting`. */
  ready(): void;
  /** Reads keys and certificate again, and takes new limits. */
  reload(limits: HttpOptions): void;
  /**
   * Not ready any more; lets what runs finish for `graceMs`, cancels the rest, closes every connection. The library
   * stays open. May be called twice.
   */
  close(graceMs: number): Promise<void>;
}

/** @throws {ConfigurationError} for an address that cannot be listened on, or must not. */
export async function startService(parts: ServiceParts): Promise<Service> {
  const { library, options, log, version } = parts;
  const { service: store } = library;
  const isStrict = !isLoopback(options.host);
  if (isStrict && !(await store.hasKeys())) {
    throw new ConfigurationError(
      `http.host ${options.host} is no loopback address, and there are no keys: \`skillcache keys create\` makes one`,
    );
  }
  const keys = new KeyRing(store, { isStrict });
  const rates = new RateLimit(options);
  const tenants = new Tenants(library, { open: parts.openTenant, openMax: options.tenantsOpenMax });
  const audit = new AuditTrail(store, (error, lost) => {
    log.error({ err: error, lost }, `${lost} entries of the audit trail could not be written`);
  });
  let state: 'starting' | 'ready' | 'draining' = 'starting';
  const counters = new HttpCounters();
  const libraryOf = ({ tenant }: Caller) => tenants.libraryOf(tenant);
  const context: ServiceContext = {
    options,
    admission: new Admission(options),
    bursts: new AnswerBursts(options.answersTogether),
    groups: new AnswerGroups(options.answersTogether),
    keptRuns: new KeptRuns(options),
    batches: new ServedBatches({ options, folder: batchesFolder(options, library), libraryOf }),
    turns: new RunTurns(),
    clients: new Clients(),
    streams: { open: 0 },
    own: ANONYMOUS,
    libraryOf,
    batchEnded: (request, id, thrown) => {
      if (thrown !== undefined) logFailure(log, request, thrown);
      const { tenant, id: caller } = request.caller;
      const outcome = thrown === undefined ? 'ok' : knownError(thrown).code;
      audit.add({ tenant, caller, action: 'batch.end', target: id, outcome, request: request.id });
    },
    runFailed: (request, skill, thrown) => {
      logFailure(log, request, thrown);
      const { tenant, id: caller } = request.caller;
      const target = skill === undefined ? {} : { target: skill };
      const { code: outcome } = knownError(thrown);
      audit.add({ tenant, caller, action: 'run.later', ...target, outcome, request: request.id });
    },
  };
  const isDraining = (): boolean => state === 'draining';
  const { app, inFlight } = buildApp({ options, log, counters, store, keys, rates, audit, isDraining });
  const certificate = watchTls(app.server, options, log);
  app.server.on('connection', () => Doorway.newcomer());
  const stalled = new StalledClients(app.server, options.stallTimeoutMs);
  const operating: Operating = {
    state: () => state,
    version,
    url: () => url,
    numbers: async () => numbersOf(context, counters, { inFlight: inFlight(), connections: stalled.open }),
  };
  const routes = [
    ...skillRoutes(context),
    ...runRoutes(context),
    ...keptRunRoutes(context),
    ...batchRoutes(context),
    ...codeRoutes(context),
    ...operationRoutes(context, operating),
  ];
  addRoutes(app, [...routes, ...documentRoutes(routes, operating)]);
  await listen(app, options);
  const { port } = app.server.address() as AddressInfo;
  const url = `${certificate ? 'https' : 'http'}://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
  let closing: Promise<void> | undefined;
  const close = async (graceMs: number): Promise<void> => {
    state = 'draining';
    const reason = `the service is stopping; the run did not end within ${graceMs} ms`;
    const grace = setTimeout(() => {
      context.keptRuns.cancelAll(reason);
      context.clients.stopAll(reason);
    }, graceMs);
    // Whoever is told and does not listen.
    const end = setTimeout(() => app.server.closeAllConnections(), graceMs + LAST_WORDS_MS);
    await Promise.all([context.keptRuns.settled(), context.batches.close(graceMs)]);
    await app.close();
    // Those that were asked for in between.
    await context.batches.close(0);
    for (const timer of [grace, end]) clearTimeout(timer);
    stalled.stop();
    counters.stop();
    certificate?.stop();
    await audit.close();
    await tenants.close();
  };
  return {
    url,
    ready: () => {
      if (state === 'starting') state = 'ready';
    },
    reload: (limits) => {
      keys.forget();
      certificate?.reload();
      context.admission.limits = limits;
      context.batches.limits = limits;
      rates.limits = limits;
    },
    close: (graceMs) => (closing ??= close(graceMs)),
  };
}

/** Undefined for a library in memory that is given none. */
function batchesFolder(
  { batchesFolder: named }: HttpOptions,
  { options: { path } }: SkillLibrary,
): string | undefined {
  if (named !== '') return resolve(named);
  return path === ':memory:' ? undefined : resolve(`${path}-served-batches`);
}

/** Undefined where it speaks plain HTTP. */
function watchTls(
  server: object,
  { tls }: HttpOptions,
  log: ServiceLog,
): ReturnType<typeof watchCertificate> | undefined {
  if (tls.certFile === '') return undefined;
  return watchCertificate(server as HttpsServer, tls, (error) => {
    if (error) log.error({ err: error }, `the certificate stays as it was: ${error.message}`);
    else log.info({}, 'the certificate was read again');
  });
}

function numbersOf(
  { admission, keptRuns, streams }: ServiceContext,
  counters: HttpCounters,
  held: { inFlight: number; connections: number },
): HttpNumbers {
  return counters.numbers({
    ...held,
    runsAdmitted: admission.running,
    runsRefused: admission.refused,
    runsKept: keptRuns.size,
    eventStreams: streams.open,
  });
}

async function listen(
  app: { listen(options: { host: string; port: number }): Promise<unknown> },
  { host, port }: HttpOptions,
): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (cause) {
    const { code = 'unknown', message } = cause as NodeJS.ErrnoException;
    const hint = code === 'EADDRINUSE' ? 'something listens there already; --port names another' : message;
    throw new ConfigurationError(`cannot listen on ${host}:${port}: ${hint}`, { cause });
  }
}
