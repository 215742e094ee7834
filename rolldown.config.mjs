/** What is loaded at once is built into few files, over what the compiler made: each file of a module takes time to load. */
import { readFileSync } from 'node:fs';

/** Half of its hundred files are translations of messages that nobody here asks for, so that it is built in. */
const BUILT_IN = /^zod(\/|$)/;
const licence = readFileSync(new URL('node_modules/zod/LICENSE', import.meta.url), 'utf8').trim();

export default [
  {
    input: 'dist/sandbox/main.js',
    platform: 'node',
    external: ['koffi'],
    output: { file: 'dist/sandbox/main.cjs', format: 'cjs', sourcemap: true },
  },
  {
    input: {
      index: 'dist/index.js',
      'cli/main': 'dist/cli/main.js',
      'chunks/connection-thread': 'dist/store/sqlite/connection-thread.js',
    },
    platform: 'node',
    external: (id) => !/^[./]/.test(id) && !BUILT_IN.test(id),
    output: {
      dir: 'dist',
      entryFileNames: '[name].js',
      chunkFileNames: 'chunks/[name]-[hash].js',
      sourcemap: true,
      postBanner: ({ moduleIds }) =>
        moduleIds.some((id) => id.includes('/zod/')) ? `/*! zod\n${licence}\n*/` : '',
    },
  },
];
