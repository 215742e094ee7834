/** Who may ask by what name, and what every answer says to a browser. */
import type { IncomingHttpHeaders } from 'node:http';
import { SkillCacheError } from '../errors.ts';

/** Sent with every answer. */
const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

/** Browsers that came by TLS once come by nothing else for a year. */
const TLS_ONLY = { 'strict-transport-security': 'max-age=31536000' };

export function securityHeaders(isTls: boolean): Readonly<Record<string, string>> {
  return isTls ? { ...SECURITY_HEADERS, ...TLS_ONLY } : SECURITY_HEADERS;
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** A page that had its name point to us (DNS rebinding) asks by a name that is not ours. */
export class NameGuard {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  /** Bound to every address: its names are not known. */
  readonly #isAny: boolean;
  #lastOwn: string | undefined;

  constructor({
    host,
    hosts,
    origins,
  }: {
    host: string;
    hosts: readonly string[];
    origins: readonly string[];
  }) {
    this.#hosts = new Set(
      ['localhost', '127.0.0.1', '[::1]', bracketed(host), ...hosts].map((one) => one.toLowerCase()),
    );
    this.#origins = new Set(origins);
    this.#isAny = (host === '0.0.0.0' || host === '::') && hosts.length === 0;
  }

  /** Most callers name it alike. */
  #isOurs(named: string): boolean {
    const name = named.replace(/:\d+$/, '').toLowerCase();
    if (!this.#hosts.has(name) && !(this.#isAny && isAddress(name))) return false;
    this.#lastOwn = named;
    return true;
  }

  /** @throws {SkillCacheError} MISDIRECTED, FORBIDDEN */
  check(headers: IncomingHttpHeaders): void {
    const { origin } = headers;
    const named = headers.host ?? '';
    if (named !== this.#lastOwn && !this.#isOurs(named)) {
      throw new SkillCacheError(
        'MISDIRECTED',
        `this service is not called ${JSON.stringify(named.slice(0, 255))}`,
      );
    }
    if (origin === undefined || this.#origins.has(origin) || isOwn(origin, named)) return;
    throw new SkillCacheError(
      'FORBIDDEN',
      `pages of ${JSON.stringify(origin.slice(0, 255))} may not ask here`,
    );
  }
}

function bracketed(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** A numeric address cannot be made to point elsewhere. */
function isAddress(name: string): boolean {
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(name) || /^\[[\da-f:.]+\]$/.test(name);
}

function isOwn(origin: string, host: string): boolean {
  return origin === `http://${host}` || origin === `https://${host}`;
}
