/** The path of a value as errors show it: `inputs.rows[3].callback`. */

const PLAIN_NAME = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const KEY_LENGTH_MAX = 60;

/** `path` and a property of it. */
export function memberPath(path: string, key: string): string {
  const shown = key.length > KEY_LENGTH_MAX ? `${key.slice(0, KEY_LENGTH_MAX)}…` : key;
  return PLAIN_NAME.test(shown) ? `${path}.${shown}` : `${path}[${JSON.stringify(shown)}]`;
}
