/** What the document shows of skills. */

export const EXAMPLE_ADDED = {
  name: 'double',
  version: 1,
  digest: 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c',
  status: 'added',
  verified: 1,
  warnings: [],
};

export const EXAMPLE_SUMMARY = {
  name: 'double',
  version: 1,
  digest: EXAMPLE_ADDED.digest,
  description: 'Doubles a number. Use when a number is to be doubled.',
  tags: ['math'],
  language: 'javascript',
  pure: true,
  createdAtMs: 1_790_000_000_000,
};
export const EXAMPLE_STORED = {
  name: 'double',
  version: 1,
  digest: EXAMPLE_ADDED.digest,
  createdAtMs: 1_790_000_000_000,
  definition: { name: 'double', code: 'const n = 1;\nexport const result = n * 2;' },
  pure: true,
  holes: ['n'],
  requires: [],
};
export const EXAMPLE_VERSIONS = {
  versions: [{ version: 1, digest: EXAMPLE_ADDED.digest, createdAtMs: 1_790_000_000_000, current: true }],
  next: null,
};
