/**
 * One HTTP request that a skill asked for, done by the parent. Host, port, method and address are checked
 * before each connection, that after a redirect included, and the connection goes to the very address that
 * was checked.
 */
import { lookup } from 'node:dns/promises';
import { request as httpRequest, type ClientRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { isHostIn, type FetchGrant } from '../grants.ts';
import type { AskHeader, ReplyHeader } from '../sandbox/protocol.ts';
import { isPublicAddress } from './addresses.ts';
import { GrantRefusal, type ByteBudget } from './grant-refusal.ts';

export type FetchAsk = Extract<AskHeader, { kind: 'fetch' }>;
export interface WebAnswer {
  readonly header: ReplyHeader;
  readonly body: Buffer;
}

export interface WebRequestContext {
  readonly grant: FetchGrant;
  readonly budget: ByteBudget;
  /** Counts a request. @throws {GrantRefusal} when there were enough. */
  readonly count: () => void;
  readonly signal: AbortSignal;
}

interface Step {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly secretHeaders: FetchAsk['secretHeaders'];
  readonly body: Buffer;
}

const REDIRECTS_MAX = 5;
const HEADERS_MAX = 100;
const HEADER_BYTES_MAX = 32 * 1024;
const URL_LENGTH_MAX = 8_192;
const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };
/** What frames the message or names its receiver is the parent's alone. */
const OWN_HEADERS =
  /^(?:host|connection|content-length|transfer-encoding|upgrade|te|trailer|expect|keep-alive|accept-encoding|proxy-.*|:.*)$/;

/** @throws {GrantRefusal} for what is not granted; other errors are the network's. */
export async function webRequest(
  ask: FetchAsk,
  body: Buffer,
  context: WebRequestContext,
): Promise<WebAnswer> {
  let step = firstStep(ask, body);
  for (let redirects = 0; ; redirects += 1) {
    const { message, redacted } = await take(step, context);
    const location = message.headers.location;
    const isRedirect = [301, 302, 303, 307, 308].includes(message.statusCode ?? 0) && location !== undefined;
    if (!isRedirect)
      return answerOf(ask.id, step, { message, redacted, isRedirected: redirects > 0 }, context);
    message.destroy();
    if (redirects >= REDIRECTS_MAX) throw new Error(`more than ${REDIRECTS_MAX} redirects`);
    step = nextStep(step, message.statusCode ?? 0, location);
  }
}

function firstStep(ask: FetchAsk, body: Buffer): Step {
  if (ask.headers.length + ask.secretHeaders.length > HEADERS_MAX)
    throw new GrantRefusal(`more than ${HEADERS_MAX} headers`);
  const headers: Record<string, string> = { 'user-agent': 'skillcache' };
  for (const [name, value] of ask.headers) headers[headerName(name)] = value;
  return {
    url: urlOf(ask.url),
    method: ask.method,
    headers,
    secretHeaders: ask.secretHeaders.map(([name, value]) => [headerName(name), value]),
    body,
  };
}

function urlOf(text: string, base?: URL): URL {
  if (text.length > URL_LENGTH_MAX || !URL.canParse(text, base?.href))
    throw new GrantRefusal('the URL is no URL');
  const url = new URL(text, base);
  if (PORTS[url.protocol] === undefined) throw new GrantRefusal(`the scheme ${url.protocol} is not granted`);
  if (url.username !== '' || url.password !== '') throw new GrantRefusal('a URL with credentials');
  return url;
}

function headerName(name: string): string {
  const lower = name.toLowerCase();
  if (OWN_HEADERS.test(lower)) throw new GrantRefusal(`the header ${lower.slice(0, 64)} cannot be set`);
  return lower;
}

/** As browsers do; what was meant for one origin does not go to another. */
function nextStep(step: Step, status: number, location: string): Step {
  const url = urlOf(location, step.url);
  const isRead = step.method === 'GET' || step.method === 'HEAD';
  const becomesGet = (status === 303 && !isRead) || (status <= 302 && step.method === 'POST');
  const isSame = url.origin === step.url.origin;
  const { authorization: _, cookie: __, ...others } = step.headers;
  return {
    url,
    method: becomesGet ? 'GET' : step.method,
    headers: isSame ? step.headers : others,
    secretHeaders: isSame ? step.secretHeaders : [],
    body: becomesGet ? Buffer.alloc(0) : step.body,
  };
}

async function take(
  step: Step,
  { grant, budget, count, signal }: WebRequestContext,
): Promise<{ message: IncomingMessage; redacted: readonly string[] }> {
  const { url, method, body } = step;
  const hostname = url.hostname;
  const port = url.port === '' ? (PORTS[url.protocol] as number) : Number(url.port);
  if (!grant.methods.includes(method)) throw new GrantRefusal(`the method ${method} is not granted`);
  if (!grant.hosts.every((list) => list.some((pattern) => isHostIn(hostname, pattern))))
    throw new GrantRefusal(`the host ${hostname} is not granted`);
  if (!grant.ports.includes(port)) throw new GrantRefusal(`the port ${port} is not granted`);
  count();
  budget.spend(body.length);
  const { headers, secrets } = withSecrets(step, grant);
  const address = await checkedAddress(hostname, grant, signal);
  const isTls = url.protocol === 'https:';
  const message = await new Promise<IncomingMessage>((resolve, reject) => {
    const start = isTls ? httpsRequest : httpRequest;
    const request: ClientRequest = start(
      {
        // The address itself: nothing looks the name up again.
        host: address,
        port,
        method,
        path: `${url.pathname}${url.search}`,
        headers: {
          ...headers,
          host: url.host,
          'accept-encoding': 'identity',
          ...(body.length > 0 || (method !== 'GET' && method !== 'HEAD')
            ? { 'content-length': body.length }
            : {}),
        },
        agent: false,
        maxHeaderSize: HEADER_BYTES_MAX,
        signal,
        ...(isTls && { servername: isIP(bare(hostname)) === 0 ? hostname : '' }),
        ...(isTls && { checkServerIdentity: identityOf(bare(hostname)) }),
      },
      resolve,
    );
    request.once('error', reject);
    request.once('upgrade', (_response, socket) => {
      socket.destroy();
      reject(new Error('the server changed the protocol'));
    });
    request.end(body);
  });
  message.on('error', () => {
    // Told to whoever reads it.
  });
  return { message, redacted: secrets };
}

const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

/** The certificate must be of the name that was asked for, not of the address that was connected to. */
function identityOf(hostname: string) {
  return (_host: string, certificate: PeerCertificate): Error | undefined =>
    checkServerIdentity(hostname, certificate);
}

async function checkedAddress(hostname: string, grant: FetchGrant, signal: AbortSignal): Promise<string> {
  const literal = bare(hostname);
  const addresses =
    isIP(literal) === 0
      ? (await abortable(lookup(hostname, { all: true, order: 'ipv4first' }), signal)).map(
          (each) => each.address,
        )
      : [literal];
  const [first] = addresses;
  if (first === undefined) throw new Error(`the host ${hostname} has no address`);
  if (grant.privateAddresses) return first;
  // One private address among public ones is a trick, or a mistake: none is used.
  const own = addresses.find((address) => !isPublicAddress(address));
  if (own !== undefined) throw new GrantRefusal(`the host ${hostname} has the private address ${own}`);
  return first;
}

/** A look-up cannot be stopped; its caller can leave. */
async function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let leave = (): void => {};
  const left = new Promise<never>((_resolve, reject) => {
    leave = () => reject(signal.reason as Error);
    signal.addEventListener('abort', leave, { once: true });
  });
  try {
    return await Promise.race([promise, left]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}

/** Headers with the secrets in them, and the secrets, so that an answer that repeats them can be blackened. */
function withSecrets(
  { url, headers, secretHeaders }: Step,
  grant: FetchGrant,
): { headers: Record<string, string>; secrets: string[] } {
  const filled: Record<string, string> = { ...headers };
  const secrets: string[] = [];
  for (const [name, template] of secretHeaders) {
    filled[name] = template.replace(/\$([A-Za-z][A-Za-z0-9_]{0,63})/g, (_all, secret: string) => {
      const value = secretFor(secret, url, grant);
      secrets.push(value);
      return value;
    });
  }
  return { headers: filled, secrets };
}

function secretFor(name: string, url: URL, grant: FetchGrant): string {
  const secret = grant.secrets.find((one) => one.name === name);
  if (secret === undefined || !secret.hosts.some((pattern) => isHostIn(url.hostname, pattern)))
    throw new GrantRefusal(`the secret ${name} is not granted for ${url.hostname}`);
  if (url.protocol !== 'https:' && !grant.privateAddresses)
    throw new GrantRefusal(`the secret ${name} goes over https only`);
  const value = process.env[secret.env];
  if (value === undefined || value === '') throw new GrantRefusal(`the secret ${name} is not set`);
  return value;
}

async function answerOf(
  id: number,
  { url }: Step,
  {
    message,
    redacted,
    isRedirected,
  }: { message: IncomingMessage; redacted: readonly string[]; isRedirected: boolean },
  { budget, signal }: WebRequestContext,
): Promise<WebAnswer> {
  const chunks: Buffer[] = [];
  try {
    const read = async () => {
      for await (const chunk of message as AsyncIterable<Buffer>) {
        budget.spend(chunk.length);
        chunks.push(chunk);
      }
    };
    await abortable(read(), signal);
  } finally {
    message.destroy();
  }
  const headers: [string, string][] = [];
  for (const [name, value] of Object.entries(message.headers))
    if (value !== undefined) headers.push([name, blackened(String(value), redacted)]);
  const header: ReplyHeader = {
    id,
    kind: 'response',
    status: message.statusCode ?? 0,
    statusText: blackened(message.statusMessage ?? '', redacted),
    url: url.href,
    isRedirected,
    headers,
  };
  const body = Buffer.concat(chunks);
  return { header, body: redacted.length === 0 ? body : blackenedBytes(body, redacted) };
}

function blackened(text: string, secrets: readonly string[]): string {
  return secrets.reduce((left, secret) => left.replaceAll(secret, '*'.repeat(8)), text);
}

function blackenedBytes(body: Buffer, secrets: readonly string[]): Buffer {
  return Buffer.from(
    blackened(
      body.toString('latin1'),
      secrets.map((one) => Buffer.from(one).toString('latin1')),
    ),
    'latin1',
  );
}
