import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fencesOf, linksOf, type Fence } from './fences.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const run = promisify(execFile);

interface Page {
  readonly path: string;
  readonly text: string;
  readonly fences: readonly Fence[];
}

function pageAt(path: string): Page {
  const text = readFileSync(join(ROOT, path), 'utf8');
  return { path, text, fences: fencesOf(text) };
}

const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
const README = pageAt('README.md');
const PAGES = [README, ...docs.map((name) => pageAt(join('docs', name)))];

/** As a user's project: `node_modules/skillcache` is this package. */
const project = mkdtempSync(join(tmpdir(), 'skillcache-docs-'));
afterAll(() => rmSync(project, { recursive: true, force: true }));

beforeAll(() => {
  mkdirSync(join(project, 'node_modules'));
  symlinkSync(ROOT, join(project, 'node_modules', 'skillcache'));
  symlinkSync(join(ROOT, 'node_modules', '@types'), join(project, 'node_modules', '@types'));
});

describe('README.md', () => {
  const packageJson = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };

  test.each([
    ['npm ci && npm run demo', 'demo'],
    ['npm ci && npm test', 'test'],
  ])('names the command %s word for word, and its script exists', (command, script) => {
    expect(README.fences.some(({ info, text }) => info === 'sh' && text.split('\n').includes(command))).toBe(
      true,
    );
    expect(packageJson.scripts[script]).toBeTypeOf('string');
  });

  test('the demo is the built program', () => {
    expect(packageJson.scripts['demo']).toBe('node dist/cli/main.js demo');
  });

  test('.ci/run runs the second command word for word', () => {
    expect(readFileSync(join(ROOT, '.ci', 'run'), 'utf8').split('\n')).toContain('npm ci && npm test');
  });

  test('is about one page', () => {
    expect(README.text.split('\n').length).toBeLessThan(160);
  });
});

describe('links', () => {
  test.each(PAGES.map(({ path, text }) => [path, text] as const))('of %s lead somewhere', (path, text) => {
    const missing = linksOf(text).filter((target) => {
      const file = target.split('#')[0] ?? '';
      return file !== '' && !existsSync(resolve(ROOT, dirname(path), file));
    });
    expect(missing).toEqual([]);
  });
});

const named = (info: string): [string, Fence][] =>
  PAGES.flatMap(({ path, fences }) =>
    fences
      .filter((fence) => fence.info === info)
      .map((fence): [string, Fence] => [`${path}:${fence.line}`, fence]),
  );

describe('TypeScript snippets', () => {
  const snippets = named('ts');
  const fileOf = (at: number): string => `snippet-${at}`;

  beforeAll(async () => {
    if (snippets.length === 0) return;
    const source = join(project, 'source');
    mkdirSync(source);
    writeFileSync(join(project, 'package.json'), '{"type":"module"}');
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          target: 'ES2023',
          lib: ['ES2023', 'ESNext.Disposable'],
          module: 'NodeNext',
          types: ['node'],
          strict: true,
          skipLibCheck: true,
          rootDir: 'source',
          outDir: 'built',
        },
        include: ['source'],
      }),
    );
    for (const [at, [, { text }]] of snippets.entries()) {
      writeFileSync(join(source, `${fileOf(at)}.ts`), `${text}\nexport {};\n`);
    }
    const compiler = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    await run(process.execPath, [compiler, '-p', project]).catch((error: { stdout?: string }) => {
      throw new Error(
        `the snippets do not compile: ${snippets.map(([place]) => place).join(', ')}\n${error.stdout}`,
      );
    });
  });

  test.each(snippets.map(([place, fence], at) => [place, fence, at] as const))(
    '%s runs, and prints what it says it prints',
    async (_place, { text }, at) => {
      const cwd = join(project, fileOf(at));
      mkdirSync(cwd);
      const { stdout } = await run(process.execPath, [join(project, 'built', `${fileOf(at)}.js`)], { cwd });
      const stated = Array.from(text.matchAll(/\/\/ → (.*)$/gm), ([, printed = '']) => printed);
      for (const printed of stated) expect(stdout.split('\n')).toContain(printed);
    },
  );
});

describe('shell snippets', () => {
  const program = join(ROOT, 'dist', 'cli', 'main.js');
  const pages = PAGES.map(({ path, fences }): [string, Fence[]] => [
    path,
    fences.filter(({ info, text }) => info === 'sh' && /^npx skillcache\b/m.test(text)),
  ]).filter(([, fences]) => fences.length > 0);

  test.each(pages)('of %s run in turn, and print what stands below them', async (_path, fences) => {
    const cwd = mkdtempSync(join(project, 'shell-'));
    symlinkSync(join(ROOT, 'skills'), join(cwd, 'skills'));
    for (const { text, next } of fences) {
      const script = `npx() { shift; '${process.execPath}' '${program}' "$@"; }\n${commandsOf(text)}`;
      const { stdout } = await run('sh', ['-euc', script], { cwd });
      expect(stdout.trimEnd()).toBe(next?.info === 'text' ? next.text : stdout.trimEnd());
    }
  });
});

describe('curl snippets', () => {
  const program = join(ROOT, 'dist', 'cli', 'main.js');
  const snippets = named('sh').filter(([, { text }]) => text.startsWith('curl'));
  let url = '';
  let stop = (): unknown => undefined;
  beforeAll(async () => {
    const cwd = mkdtempSync(join(project, 'served-'));
    const words = [program, 'serve', '--port', '0', '--json', '--skills', join(ROOT, 'skills')];
    const child = spawn(process.execPath, words, { cwd, stdio: ['ignore', 'pipe', 'ignore'] });
    stop = () => child.kill('SIGKILL');
    const [told] = (await once(child.stdout, 'data')) as [Buffer];
    ({ url } = JSON.parse(told.toString()) as { url: string });
  });
  afterAll(() => void stop());

  test.each(snippets)('%s is answered without an error', async (_place, { text }) => {
    const script = text
      .replaceAll('http://127.0.0.1:7433', url)
      .replace(/^curl /gm, 'curl --fail-with-body ');
    const { stdout } = await run('sh', ['-euc', script]);
    expect(stdout).not.toBe('');
  });
});

/** The lines that begin with `npx skillcache`, with those that continue them. */
function commandsOf(text: string): string {
  const lines = text.split('\n');
  return lines
    .filter((line, at) => line.startsWith('npx skillcache') || (lines[at - 1] ?? '').endsWith('\\'))
    .join('\n');
}
