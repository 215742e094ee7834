/** A service in this process, with a library of its own, and short words to ask it. */
import { request as rawRequest, type IncomingHttpHeaders } from 'node:http';
import { programSchema, type ProgramOptions } from '../../src/http-options.ts';
import { startService, type Service } from '../../src/http/service.ts';
import type { ServiceLog } from '../../src/http/service-log.ts';
import { SkillLibrary } from '../../src/library.ts';
import type { SkillLibraryOptions } from '../../src/options.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** Parsed, where it is JSON. */
  readonly body: Record<string, unknown>;
}

export interface Line {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface TestService extends AsyncDisposable {
  readonly service: Service;
  readonly library: SkillLibrary;
  readonly url: string;
  readonly lines: readonly Line[];
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

export async function startTestService({
  http = {},
  library: libraryOptions = {},
}: { http?: NonNullable<ProgramOptions['http']>; library?: SkillLibraryOptions } = {}): Promise<TestService> {
  const options = programSchema.parse({ http: { port: 0, ...http } });
  const library = await SkillLibrary.open({ path: ':memory:', workers: { min: 0 }, ...libraryOptions });
  const lines: Line[] = [];
  const log = logInto(lines);
  const openTenant = (): Promise<SkillLibrary> =>
    SkillLibrary.open({ path: ':memory:', workers: { min: 0 }, ...libraryOptions });
  const service = await startService({ library, options: options.http, log, version: '0.0.0', openTenant });
  service.ready();
  return {
    service,
    library,
    url: service.url,
    lines,
    ask: (method, path, body, headers) => ask(service.url, method, path, body, headers),
    async [Symbol.asyncDispose]() {
      await service.close(100);
      await library.close();
    },
  };
}

function logInto(lines: Line[]): ServiceLog {
  const write = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, ...fields });
  };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    isLevelEnabled: () => true,
  };
}

/** Without an agent that follows, retries or adds: what is written is what is sent. A text body goes as it is. */
export function ask(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const sent =
    body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const type =
    sent === undefined ? {} : { 'content-type': 'application/json', 'content-length': lengthOf(sent) };
  return new Promise((resolve, reject) => {
    const asked = rawRequest(
      url + path,
      { method, headers: { ...type, ...headers }, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('error', reject);
        answer.once('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          const isJson =
            /[/+]json/.test(answer.headers['content-type'] ?? '') && !answer.headers['content-encoding'];
          const parsed = isJson && text !== '' ? (JSON.parse(text) as Record<string, unknown>) : {};
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, body: parsed });
        });
      },
    );
    asked.once('error', reject);
    asked.end(sent);
  });
}

function lengthOf(sent: string | Buffer): string {
  return String(Buffer.byteLength(sent));
}

/** The text of an event stream until `isEnough`, or until there is no more. */
export function followEvents(
  url: string,
  isEnough: (text: string) => boolean = () => false,
  headers: Record<string, string> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = rawRequest(url, { agent: false, headers }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (isEnough(text)) asked.destroy();
      });
      answer.once('close', () => resolve(text));
    });
    asked.once('error', reject);
    asked.end();
  });
}

/** A skill that anybody understands. */
export const DOUBLE = {
  description: 'Doubles a number. Use when a number is to be doubled.',
  code: 'const n = 1;\nexport const result = n * 2;',
  examples: [{ inputs: { n: 21 }, output: 42 }],
};

/** Runs until it is stopped. */
export const ENDLESS = 'console.log("begun"); for (;;) {}';
