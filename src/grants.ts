/**
 * What a run may be given beside computing: the words of the option `sandbox.grants` (the most that is
 * ever given), of a skill's definition and of one call.
 */
import { z } from 'zod';
import { SecurityValidationError } from './errors.ts';

const MIB = 1024 * 1024;
const LIST_MAX = 100;

/** `api.example.com`, `*.example.com` for what is under it, or `*`. */
const host = z
  .string()
  .max(253)
  .regex(/^(?:\*|(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])$/, 'must be a host in lower case');
const method = z.enum(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const port = z.int().min(1).max(65_535);
const requests = z.int().min(1).max(10_000);
const fetchBytes = z
  .int()
  .min(1)
  .max(1024 * MIB);
const requestMs = z.int().min(1).max(600_000);
const fileBytes = z
  .int()
  .min(0)
  .max(1024 * MIB);
const fileNames = z.record(z.string().min(1).max(255), z.string().min(1).max(4_096));

const fetchGrant = z.strictObject({
  hosts: z.array(host).min(1).max(LIST_MAX),
  methods: z.array(method).min(1).optional(),
  ports: z.array(port).min(1).max(LIST_MAX).optional(),
  requestsMax: requests.optional(),
  bytesMax: fetchBytes.optional(),
  timeoutMs: requestMs.optional(),
});

const engine = {
  random: z.boolean().optional(),
  clock: z.boolean().optional(),
  wasm: z.boolean().optional(),
  eval: z.boolean().optional(),
  sharedMemory: z.boolean().optional(),
};

/** What a definition may ask for. */
export const skillGrantsSchema = z.strictObject({ fetch: fetchGrant.optional(), ...engine });

/** What a call may give. */
export const callGrantsSchema = z.strictObject({
  fetch: z.union([z.literal(false), fetchGrant]).optional(),
  files: z
    .strictObject({
      inputs: fileNames.optional(),
      outputs: fileNames.optional(),
      bytesMax: fileBytes.optional(),
    })
    .optional(),
  ...engine,
});

/** The option `sandbox.grants`: the most that any run is given. */
export const grantsMaxSchema = z
  .strictObject({
    fetch: z
      .strictObject({
        hosts: z.array(host).max(LIST_MAX).default([]).describe('Hosts that may be asked; none: no fetch.'),
        methods: z.array(method).default(['GET', 'HEAD']).describe('Methods that may be used.'),
        ports: z.array(port).max(LIST_MAX).default([443]).describe('Ports that may be connected to.'),
        requestsMax: requests.default(100).describe('Requests of one run, redirects included.'),
        bytesMax: fetchBytes
          .default(10 * MIB)
          .describe('Bodies sent and received in one run together, in bytes.'),
        timeoutMs: requestMs.default(10_000).describe('Deadline of one request, redirects included, in ms.'),
        privateAddresses: z
          .boolean()
          .default(false)
          .describe('Also connect to loopback, private and link-local addresses: for tests.'),
      })
      .prefault({}),
    files: z
      .strictObject({
        folders: z
          .array(z.string().min(1).max(4_096))
          .max(LIST_MAX)
          .default([])
          .describe('Files and folders from which files may be read and to which they may be written.'),
        bytesMax: fileBytes
          .default(64 * MIB)
          .describe('Files read and written in one run together, in bytes.'),
      })
      .prefault({}),
    secrets: z
      .array(
        z.strictObject({
          name: z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/, 'must be a name'),
          env: z.string().min(1).max(128),
          hosts: z.array(host).min(1).max(LIST_MAX),
        }),
      )
      .max(LIST_MAX)
      .default([])
      .describe('Environment variables that may go into request headers to the hosts named, by name.'),
    wasm: z.boolean().default(false).describe('Whether WebAssembly may be granted.'),
    eval: z.boolean().default(false).describe('Whether code from strings may be granted.'),
    sharedMemory: z.boolean().default(false).describe('Whether SharedArrayBuffer may be granted.'),
  })
  .prefault({});

export type SkillGrants = z.output<typeof skillGrantsSchema>;
export type CallGrants = z.input<typeof callGrantsSchema>;
export type GrantsMax = z.output<typeof grantsMaxSchema>;

/** What a granted `fetch` is held to. A host must be in each of the lists. */
export interface FetchGrant {
  readonly hosts: readonly (readonly string[])[];
  readonly methods: readonly string[];
  readonly ports: readonly number[];
  readonly requestsMax: number;
  readonly bytesMax: number;
  readonly timeoutMs: number;
  readonly privateAddresses: boolean;
  readonly secrets: GrantsMax['secrets'];
}

export interface FilesGrant {
  readonly inputs: Readonly<Record<string, string>>;
  readonly outputs: Readonly<Record<string, string>>;
  readonly folders: readonly string[];
  readonly bytesMax: number;
}

/** What one run is given. */
export interface RunGrants {
  readonly fetch?: FetchGrant;
  readonly files?: FilesGrant;
  readonly random: boolean;
  readonly clock: boolean;
  readonly wasm: boolean;
  readonly eval: boolean;
  readonly sharedMemory: boolean;
}

/**
 * A call's word wins over the skill's, and neither over the library's. What a skill asks for and the
 * library does not allow it is not given; a call that asks for it is wrong.
 * @throws {SecurityValidationError} naming what is above `sandbox.grants`.
 */
export function grantsFor(
  call: CallGrants | undefined,
  skill: SkillGrants | undefined,
  most: GrantsMax,
): RunGrants | undefined {
  if (call === undefined && skill === undefined) return undefined;
  if (call !== undefined) refuseAbove(call, most);
  const asked = { ...skill, ...call };
  const fetch = asked.fetch ? fetchGrantOf(asked.fetch, most) : undefined;
  const files = call?.files && filesGrantOf(call.files, most);
  return {
    ...(fetch && { fetch }),
    ...(files && { files }),
    random: asked.random !== false,
    clock: asked.clock !== false,
    wasm: asked.wasm === true && most.wasm,
    eval: asked.eval === true && most.eval,
    sharedMemory: asked.sharedMemory === true && most.sharedMemory,
  };
}

/** Whether `hostname` is one that `pattern` names. */
export function isHostIn(hostname: string, pattern: string): boolean {
  if (pattern === '*') return true;
  return pattern.startsWith('*.') ? hostname.endsWith(pattern.slice(1)) : hostname === pattern;
}

function fetchGrantOf(
  asked: NonNullable<SkillGrants['fetch']>,
  { fetch: most, secrets }: GrantsMax,
): FetchGrant | undefined {
  if (most.hosts.length === 0) return undefined;
  const least = (own: number | undefined, bound: number): number => Math.min(own ?? bound, bound);
  const { methods, ports } = asked;
  return {
    hosts: [asked.hosts, most.hosts],
    methods: methods ? most.methods.filter((one) => methods.includes(one)) : most.methods,
    ports: ports ? most.ports.filter((one) => ports.includes(one)) : most.ports,
    requestsMax: least(asked.requestsMax, most.requestsMax),
    bytesMax: least(asked.bytesMax, most.bytesMax),
    timeoutMs: least(asked.timeoutMs, most.timeoutMs),
    privateAddresses: most.privateAddresses,
    secrets,
  };
}

function filesGrantOf(asked: NonNullable<CallGrants['files']>, { files: most }: GrantsMax): FilesGrant {
  return {
    inputs: asked.inputs ?? {},
    outputs: asked.outputs ?? {},
    folders: most.folders,
    bytesMax: Math.min(asked.bytesMax ?? most.bytesMax, most.bytesMax),
  };
}

function refuseAbove(call: CallGrants, most: GrantsMax): void {
  const above: string[] = [];
  const isCovered = (wanted: string): boolean =>
    most.fetch.hosts.some((pattern) => pattern === wanted || isHostIn(wanted, pattern));
  if (call.fetch) {
    const { hosts, methods = [], ports = [] } = call.fetch;
    above.push(...hosts.filter((one) => !isCovered(one)).map((one) => `fetch from ${one}`));
    above.push(...methods.filter((one) => !most.fetch.methods.includes(one)).map((one) => `fetch by ${one}`));
    above.push(
      ...ports.filter((one) => !most.fetch.ports.includes(one)).map((one) => `fetch at port ${one}`),
    );
  }
  if (call.files && most.files.folders.length === 0) above.push('files');
  for (const name of ['wasm', 'eval', 'sharedMemory'] as const)
    if (call[name] === true && !most[name]) above.push(name);
  if (above.length === 0) return;
  throw new SecurityValidationError(
    `sandbox.grants does not allow ${above.slice(0, 10).join(', ')}${above.length > 10 ? `, ${above.length - 10} more` : ''}`,
    { details: { above: above.slice(0, LIST_MAX) } },
  );
}
