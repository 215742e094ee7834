/** The service: one server, its routes, and its way through life: starting, ready, draining, gone. */
import type { AddressInfo } from 'node:net';
import { ConfigurationError } from '../errors.ts';
import type { HttpOptions } from '../http-options.ts';
import type { SkillLibrary } from '../library.ts';
import { HttpCounters, type HttpNumbers } from '../monitor/http-metrics.ts';
import { Admission } from './admission.ts';
import { buildApp } from './app.ts';
import { ANONYMOUS } from './caller.ts';
import { Clients } from './client-gone.ts';
import type { ServiceContext } from './context.ts';
import { isLoopback } from './guard.ts';
import { KeptRuns } from './kept-runs.ts';
import { addRoutes } from './route.ts';
import { codeRoutes } from './routes-code.ts';
import { documentRoutes, operationRoutes, type Operating } from './routes-operation.ts';
import { runRoutes } from './routes-runs.ts';
import { skillRoutes } from './routes-skills.ts';
import { logFailure, type ServiceLog } from './service-log.ts';
import { StalledClients } from './stalled.ts';

/** For answers to leave after the grace period. */
const LAST_WORDS_MS = 2_000;

export interface ServiceParts {
  readonly library: SkillLibrary;
  readonly options: HttpOptions;
  readonly log: ServiceLog;
  readonly version: string;
}

export interface Service {
  /** `http://127.0.0.1:7433` */
  readonly url: string;
  /** Until then `/readyz` says `starting`. */
  ready(): void;
  /**
   * Not ready any more; lets what runs finish for `graceMs`, cancels the rest, closes every connection. The library
   * stays open. May be called twice.
   */
  close(graceMs: number): Promise<void>;
}

/** @throws {ConfigurationError} for an address that cannot be listened on, or must not. */
export async function startService({ library, options, log, version }: ServiceParts): Promise<Service> {
  if (!isLoopback(options.host)) {
    throw new ConfigurationError(`http.host ${options.host} is no loopback address, and there are no keys`);
  }
  let state: 'starting' | 'ready' | 'draining' = 'starting';
  const counters = new HttpCounters();
  const context: ServiceContext = {
    options,
    admission: new Admission(options),
    keptRuns: new KeptRuns(options),
    clients: new Clients(),
    streams: { open: 0 },
    own: ANONYMOUS,
    libraryOf: () => library,
    ran: () => undefined,
    runFailed: (request, _skill, thrown) => logFailure(log, request, thrown),
  };
  const { app, inFlight } = buildApp({ options, log, counters, isDraining: () => state === 'draining' });
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
    ...codeRoutes(context),
    ...operationRoutes(context, operating),
  ];
  addRoutes(app, [...routes, ...documentRoutes(routes, operating)]);
  await listen(app, options);
  const { port } = app.server.address() as AddressInfo;
  const url = `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`;
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
    await context.keptRuns.settled();
    await app.close();
    for (const timer of [grace, end]) clearTimeout(timer);
    stalled.stop();
    counters.stop();
  };
  return {
    url,
    ready: () => {
      if (state === 'starting') state = 'ready';
    },
    close: (graceMs) => (closing ??= close(graceMs)),
  };
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
