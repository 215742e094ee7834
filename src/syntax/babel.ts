/** Babel's parser, loaded when code is first parsed: whoever only reads or runs stored skills never pays for it. */
import { createRequire } from 'node:module';
import type * as BabelParser from '@babel/parser';

type Babel = typeof BabelParser;

let loaded: Babel | undefined;

export const babelParse: Babel['parse'] = (code, options) => {
  loaded ??= createRequire(import.meta.url)('@babel/parser') as Babel;
  return loaded.parse(code, options);
};
