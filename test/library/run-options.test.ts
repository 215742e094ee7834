import { expect, test } from 'vitest';
import { ConfigurationError } from '../../src/errors.ts';
import { checkRunOptions } from '../../src/run-options.ts';

test('an unknown run option is refused by name, with those there are', () => {
  const check = () => checkRunOptions({ timeout: 5, explain: true } as never);
  expect(check).toThrow(ConfigurationError);
  expect(check).toThrow(/^wrong run options: timeout: unknown option; expected one of context, .*timeoutMs/);
});
