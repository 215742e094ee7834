import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ConfigurationError } from '../../src/errors.ts';
import { buildApp, type AppParts } from '../../src/http/app.ts';
import { readCertificate } from '../../src/http/certificate.ts';
import { programSchema } from '../../src/http-options.ts';

const folder = mkdtempSync(join(tmpdir(), 'skillcache-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const rubbish = join(folder, 'rubbish.pem');
writeFileSync(rubbish, 'no certificate');

test('files that are no certificate and its key are a wrong configuration, and named', () => {
  for (const [certFile, keyFile, said] of [
    [rubbish, rubbish, `${rubbish} and ${rubbish} are no certificate and its key, as PEM`],
    [rubbish, join(folder, 'none.pem'), 'no such file'],
    [rubbish, '', 'http.tls.certFile is set and http.tls.keyFile is not'],
    ['', rubbish, 'http.tls.keyFile is set and http.tls.certFile is not'],
  ] as const) {
    expect(() => readCertificate({ certFile, keyFile })).toThrow(ConfigurationError);
    expect(() => readCertificate({ certFile, keyFile })).toThrow(said);
  }
});

test('a service that is given a key alone does not speak plain HTTP', () => {
  const { http: options } = programSchema.parse({ http: { tls: { keyFile: rubbish } } });
  expect(() => buildApp({ options } as AppParts)).toThrow('http.tls.certFile is not');
});
