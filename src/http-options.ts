/** Every option of the endpoint and of its log, beside those of the library. */
import { z } from 'zod';
import { optionsSchema } from './options.ts';

const MIB = 1024 * 1024;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const count = (least: number, most: number) => z.int().min(least).max(most);
const milliseconds = (most: number) => z.int().min(1).max(most);
const bytes = (most: number) => z.int().min(1).max(most);
const names = (length: number) => z.array(z.string().min(1).max(length)).max(100).default([]);
const section = <Shape extends z.ZodRawShape>(shape: Shape) => z.strictObject(shape).prefault({} as never);

const http = section({
  host: z.string().min(1).max(255).default('127.0.0.1').describe('Address to listen on.'),
  port: count(0, 65_535).default(7433).describe('Port to listen on; 0: any that is free.'),
  hosts: names(255).describe('Names the service is asked by, beside its own address and localhost.'),
  origins: names(255).describe('Web pages that may ask, as `https://app.example`; none by default.'),
  bodyBytesMax: bytes(1024 * MIB)
    .default(8 * MIB)
    .describe('Largest body of a request, unpacked, in bytes.'),
  headersTimeoutMs: milliseconds(10 * MINUTE_MS)
    .default(10_000)
    .describe('Longest wait for the headers of a request, in ms.'),
  requestTimeoutMs: milliseconds(HOUR_MS)
    .default(30_000)
    .describe('Longest wait for a whole request, in ms.'),
  keepAliveTimeoutMs: milliseconds(HOUR_MS)
    .default(30_000)
    .describe('How long an idle connection is kept, in ms.'),
  stallTimeoutMs: milliseconds(HOUR_MS)
    .default(30_000)
    .describe('A client that takes nothing of its answer for this long is cut off, in ms.'),
  connectionsMax: count(1, 100_000).default(1_000).describe('Most connections at once.'),
  runsMax: count(1, 100_000)
    .default(200)
    .describe('Most runs under way and in line; one more is refused at once.'),
  callerRunsMax: count(1, 100_000).default(100).describe('The same of one key.'),
  answersTogether: count(1, 16)
    .default(4)
    .describe(
      'While many runs are under way, so many answers leave together, up to 2 ms late (known ones: four times as many, at the end of a turn of the event loop); 1: each by itself.',
    ),
  callerRequestsMax: count(0, 1_000_000_000)
    .default(6_000)
    .describe('Most requests of one key in a window; 0: no bound.'),
  callerWindowMs: milliseconds(24 * HOUR_MS)
    .default(MINUTE_MS)
    .describe('That window, in ms.'),
  runTimeoutMsMax: milliseconds(24 * HOUR_MS)
    .default(5 * MINUTE_MS)
    .describe('Longest deadline a caller may ask for, in ms.'),
  runMemoryBytesMax: z
    .int()
    .min(16 * MIB)
    .max(64 * 1024 * MIB)
    .default(512 * MIB)
    .describe('Most memory a caller may ask for, in bytes.'),
  runOutputBytesMax: bytes(1024 * MIB)
    .default(64 * MIB)
    .describe('Largest answer and largest log a caller may ask for, in bytes.'),
  keptRunsMax: count(1, 1_000_000)
    .default(1_000)
    .describe('Runs answered later that are kept; the oldest that ended go first.'),
  keptRunBytesMax: bytes(64 * 1024 * MIB)
    .default(64 * MIB)
    .describe('The same in bytes of their answers and logs.'),
  keptRunAgeMaxMs: milliseconds(7 * 24 * HOUR_MS)
    .default(HOUR_MS)
    .describe('How long such a run is kept after its end, in ms.'),
  eventStreamsMax: count(1, 100_000).default(100).describe('Most event streams open at once.'),
  batchesFolder: z
    .string()
    .max(4_096)
    .default('')
    .describe('Where batches are kept; empty: beside the library, in `<path>-served-batches`.'),
  batchInputsFolder: z
    .string()
    .max(4_096)
    .default('')
    .describe('Files that batches may name as their inputs, in a folder for each tenant; empty: none.'),
  batchesRunningMax: count(1, 1_000).default(4).describe('Most batches under way; one more is refused.'),
  callerBatchesRunningMax: count(1, 1_000).default(2).describe('The same of one key.'),
  batchesMax: count(1, 1_000)
    .default(100)
    .describe('Batches of a tenant that are kept; the oldest that are over go first.'),
  batchBytesMax: bytes(1024 * 1024 * MIB)
    .default(1024 * MIB)
    .describe('The same in bytes of their inputs and outputs.'),
  batchOutputBytesMax: bytes(1024 * 1024 * MIB)
    .default(256 * MIB)
    .describe('Largest output of one batch, in bytes; it ends before it grows past that.'),
  tenantsOpenMax: count(1, 10_000)
    .default(16)
    .describe(
      'Libraries of tenants open at once, beside the default one; the one used longest ago is closed.',
    ),
  tls: section({
    certFile: z.string().max(4_096).default('').describe('Certificate chain, PEM; empty: plain HTTP.'),
    keyFile: z.string().max(4_096).default('').describe('Its private key, PEM.'),
  }),
  heartbeatMs: milliseconds(10 * MINUTE_MS)
    .default(15_000)
    .describe('How often an event stream says that it is alive, in ms.'),
});

const log = section({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('The least that is written down; a line for each request is `info`.'),
  redact: names(256).describe('More paths of what is never written down, as pino has them.'),
});

/** A file of options: the library's, the endpoint's and the log's. */
export const programSchema = optionsSchema.extend({ http, log });

export type ProgramOptions = z.input<typeof programSchema>;
export type ResolvedProgramOptions = z.output<typeof programSchema>;
export type HttpOptions = ResolvedProgramOptions['http'];
export type LogOptions = ResolvedProgramOptions['log'];

/** JSON Schema of a file of options, for editors. */
export function programJsonSchema(): object {
  return z.toJSONSchema(programSchema, { io: 'input' });
}
