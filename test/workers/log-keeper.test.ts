import { expect, test } from 'vitest';
import { LogKeeper } from '../../src/workers/log-keeper.ts';

test('what is cut inside a character ends before it', () => {
  const log = new LogKeeper(4);
  log.add(Buffer.from('a€€'));
  expect(log.text).toBe('a€\n… cut at 4 bytes\n');
  const torn = new LogKeeper(6);
  torn.add(Buffer.from('a€€'));
  expect(torn.text).toBe('a€\n… cut at 6 bytes\n');
});

test('a megabyte of what stands for no character is kept without a long look at each', () => {
  const text = '\uFFFD'.repeat(2 ** 20);
  const log = new LogKeeper(4 * 2 ** 20);
  log.add(Buffer.from(`${text}${'x'.repeat(2 ** 20)}`));
  log.add(Buffer.from('x'));
  expect(log.text).toBe(`${text}${'x'.repeat(2 ** 20)}\n… cut at ${4 * 2 ** 20} bytes\n`);
});
