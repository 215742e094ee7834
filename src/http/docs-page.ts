/** The document as one plain page: no script, nothing loaded from elsewhere. */
import { ERROR_KINDS } from '../errors.ts';
import { titleOf } from './problem.ts';

interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly required: boolean;
  readonly description: string;
}

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { schema: unknown; example?: unknown }>>;
  };
  readonly responses: Readonly<Record<string, { description: string }>>;
}

interface Document {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const STYLE =
  'body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}' +
  'code,pre{font:14px/1.4 ui-monospace,monospace;background:#f4f4f4}pre{padding:.8rem;overflow:auto}' +
  'table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}' +
  'h3 code{background:none}@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}' +
  'code,pre{background:#262626}a{color:#8ab4f8}}';

export function docsPage(document: object): string {
  const { info, tags, paths } = document as Document;
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const sections = tags.map(({ name, description }) => {
    const held = operations.filter(({ operation }) => operation.tags.includes(name));
    return `<h2>${text(name)}</h2><p>${text(description)}</p>${held.map(operationText).join('')}`;
  });
  return (
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${text(info.title)}</title>` +
    `<meta name="viewport" content="width=device-width"><style>${STYLE}</style></head><body>` +
    `<h1>${text(info.title)} ${text(info.version)}</h1><p>${prose(info.description)}</p>` +
    `<p>As a document: <a href="/openapi.json">openapi.json</a>.</p>${sections.join('')}${errorTable()}</body></html>`
  );
}

function operationText({
  path,
  method,
  operation,
}: {
  path: string;
  method: string;
  operation: Operation;
}): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation;
  const example = requestBody?.content['application/json']?.example;
  const rows = parameters.map(
    ({ name, in: place, required, description }) =>
      `<tr><td><code>${text(name)}</code></td><td>${place}${required ? '' : ', optional'}</td><td>${prose(description)}</td></tr>`,
  );
  const answers = Object.entries(responses).map(
    ([status, answer]) => `<tr><td>${text(status)}</td><td>${prose(answer.description)}</td></tr>`,
  );
  return (
    `<h3 id="${text(operationId)}"><code>${method} ${text(path)}</code></h3><p>${text(summary)}. ${prose(description)}</p>` +
    (rows.length > 0 ? `<table>${rows.join('')}</table>` : '') +
    (example === undefined ? '' : `<pre>${text(JSON.stringify(example, undefined, 2))}</pre>`) +
    `<details><summary>Answers</summary><table>${answers.join('')}</table></details>`
  );
}

function errorTable(): string {
  const rows = Object.entries(ERROR_KINDS).map(
    ([code, { httpStatus, retryable }]) =>
      `<tr id="${code}"><td><code>${code}</code></td><td>${httpStatus}</td><td>${titleOf(code as never)}</td>` +
      `<td>${retryable ? 'may be tried again' : ''}</td></tr>`,
  );
  return `<h2>Errors</h2><table>${rows.join('')}</table>`;
}

const MARKS: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function text(raw: string): string {
  return raw.replace(/[&<>"]/g, (mark) => MARKS[mark] ?? mark);
}

/** With `code` in it. */
function prose(raw: string): string {
  return text(raw).replace(/`([^`]+)`/g, '<code>$1</code>');
}
