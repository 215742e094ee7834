/** `--grant`: what the person at the keyboard gives one run, above what the configuration allows. */
import { dirname, resolve } from 'node:path';
import { UsageError } from '../errors.ts';
import type { SkillLibraryOptions } from '../options.ts';
import type { RunOptions } from '../run-options.ts';

type CallGrants = NonNullable<RunOptions['grants']>;
type GrantsMax = NonNullable<NonNullable<SkillLibraryOptions['sandbox']>['grants']>;

export interface GivenGrants {
  readonly call: CallGrants;
  /** The option `sandbox.grants`, raised by what is given. */
  readonly most: GrantsMax;
}

const SWITCHES: Readonly<Record<string, CallGrants>> = {
  wasm: { wasm: true },
  eval: { eval: true },
  'shared-memory': { sharedMemory: true },
  'no-random': { random: false },
  'no-clock': { clock: false },
};
const EXPECTED =
  'fetch=HOST, read=NAME=PATH, write=NAME=PATH, wasm, eval, shared-memory, no-random or no-clock';

/** @throws {UsageError} for a word that grants nothing. */
export function parseGrants(words: readonly string[], configured: GrantsMax = {}): GivenGrants {
  const hosts: string[] = [];
  const inputs: [string, string][] = [];
  const outputs: [string, string][] = [];
  const call: CallGrants = {};
  for (const word of words) {
    const [, kind = '', value] = /^([a-z-]+)(?:=(.+))?$/s.exec(word) ?? [];
    const file = /^([^=]+)=(.+)$/s.exec(value ?? '');
    if (kind === 'fetch' && value !== undefined) hosts.push(value);
    else if (kind === 'read' && file) inputs.push([file[1] ?? '', resolve(file[2] ?? '')]);
    else if (kind === 'write' && file) outputs.push([file[1] ?? '', resolve(file[2] ?? '')]);
    else if (value === undefined && Object.hasOwn(SWITCHES, kind)) Object.assign(call, SWITCHES[kind]);
    else throw new UsageError(`--grant ${word}: expected ${EXPECTED}`);
  }
  const { wasm, eval: code, sharedMemory } = call;
  const places = [...inputs.map(([, path]) => path), ...outputs.map(([, path]) => dirname(path))];
  if (hosts.length > 0) call.fetch = { hosts };
  if (places.length > 0)
    call.files = { inputs: Object.fromEntries(inputs), outputs: Object.fromEntries(outputs) };
  return {
    call,
    most: {
      ...configured,
      fetch: { ...configured.fetch, hosts: [...(configured.fetch?.hosts ?? []), ...hosts] },
      files: { ...configured.files, folders: [...(configured.files?.folders ?? []), ...places] },
      ...(wasm && { wasm }),
      ...(code && { eval: code }),
      ...(sharedMemory && { sharedMemory }),
    },
  };
}
