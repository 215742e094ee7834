/** ajv and its formats, loaded when a schema is first compiled: skills without one never pay for them. */
import { createRequire } from 'node:module';
import type * as Ajv2020 from 'ajv/dist/2020.js';
import type * as AjvFormats from 'ajv-formats/dist/formats.js';

type Ajv = typeof Ajv2020;
type Formats = typeof AjvFormats;

const require = createRequire(import.meta.url);
let ajv: Ajv | undefined;
let formats: Formats | undefined;

export function loadAjv(): Ajv {
  ajv ??= require('ajv/dist/2020.js') as Ajv;
  return ajv;
}

export function loadFormats(): Formats {
  formats ??= require('ajv-formats/dist/formats.js') as Formats;
  return formats;
}
