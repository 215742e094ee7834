import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { packagePath } from '../../src/package-root.ts';
import { findWrapper } from '../../src/workers/wrapper.ts';

test('a package that lies in /tmp is wrapped too, and has a /tmp of its own', async ({ skip }) => {
  const wrapper = findWrapper();
  skip(wrapper?.name !== 'bubblewrap', 'bubblewrap is not installed');
  const root = mkdtempSync(join(tmpdir(), 'skillcache-wrapped-'));
  try {
    mkdirSync(join(root, 'dist/sandbox'), { recursive: true });
    writeFileSync(join(root, 'package.json'), '{"name":"skillcache","type":"module"}');
    symlinkSync(packagePath('node_modules'), join(root, 'node_modules'));
    const program = join(root, 'dist/sandbox/main.cjs');
    cpSync(packagePath('dist/sandbox/main.cjs'), program);
    const engine = { wasm: false, eval: false, sharedMemory: false };
    const settings = { parentId: 1, memoryBytesMax: 2 ** 26, useKernel: true, servesOne: true, engine };
    const flags = [...(wrapper?.flags(program) ?? []), process.execPath, '--no-warnings', program];
    const child = spawn(wrapper?.path ?? '', [...flags, JSON.stringify(settings)], {
      env: { UV_USE_IO_URING: '0' },
      detached: true,
      stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
    });
    const [hello] = (await once(child.stdio[3] as Readable, 'data')) as [Buffer];
    expect(JSON.parse(hello.toString('utf8', 9))).toEqual({ tier: 'kernel' });
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
