/** `skillcache metrics` */
import { ConfigurationError, UsageError, toError } from '../errors.ts';
import { readStream } from './read-file.ts';
import type { Session } from './session.ts';

export interface MetricsOptions {
  readonly format: 'json' | 'prometheus';
  /** Of a service that runs; absent: the numbers of this process. */
  readonly url?: string;
}

/** A service that does not answer within this does not answer. */
const ANSWER_MS = 10_000;
const ANSWER_BYTES_MAX = 8 * 2 ** 20;

export async function metrics(session: Session, { format, url }: MetricsOptions): Promise<void> {
  const isJson = format === 'json' || session.output.json;
  if (url !== undefined) {
    const text = await asked(session, url, isJson ? '/v1/metrics' : '/metrics');
    if (isJson) session.output.value(JSON.parse(text) as object);
    else session.output.data(text);
    return;
  }
  await using library = await session.open('read');
  const snapshot = await library.sampleMetrics();
  if (isJson) {
    session.output.value(snapshot);
    return;
  }
  const { exposition } = await import('../monitor/exposition.ts');
  session.output.data(await exposition(snapshot));
}

/** With the key in `SKILLCACHE_KEY`, if there is one. */
async function asked({ env, signal }: Session, url: string, path: string): Promise<string> {
  if (!/^https?:\/\//i.test(url) || !URL.canParse(path, url)) {
    throw new UsageError(`--url ${url}: expected an address like http://127.0.0.1:7433`);
  }
  const key = env['SKILLCACHE_KEY'];
  const headers: Record<string, string> = key ? { authorization: `Bearer ${key}` } : {};
  const until = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]);
  try {
    const answer = await fetch(new URL(path, url), { headers, signal: until, redirect: 'error' });
    const text = answer.body === null ? '' : await readStream(answer.body, url, ANSWER_BYTES_MAX);
    if (answer.ok) return text;
    throw new ConfigurationError(`${url} answers ${answer.status}: ${reasonIn(text)}`);
  } catch (thrown) {
    if (signal.aborted || thrown instanceof ConfigurationError) throw thrown;
    const cause = toError(thrown);
    const why = cause.cause instanceof Error ? cause.cause.message : cause.message;
    throw new ConfigurationError(`no service answers at ${url}: ${why}`, { cause });
  }
}

/** Of a problem document, or the beginning of whatever else it is. */
function reasonIn(text: string): string {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown };
    return String(detail);
  } catch {
    // No JSON: something else answers there.
    return text.slice(0, 100);
  }
}
