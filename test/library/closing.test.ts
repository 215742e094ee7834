/** The end of a library, and who waits for it. */
import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const GATE = pathToFileURL(join(import.meta.dirname, '../../dist/library/gate.js')).href;

test('whoever waits for the end hears of it where nothing else keeps the process alive', () => {
  const script = `import { LibraryGate } from ${JSON.stringify(GATE)};
    const end = () => new Promise((done) => setTimeout(done, 50).unref());
    await new LibraryGate().close(1_000, end);
    process.stdout.write('ended');`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 50_000,
  });
  // Node ends with 13 where what is awaited can never come.
  expect([status, stdout]).toEqual([0, 'ended']);
});
