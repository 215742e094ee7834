/**
 * What parent and child say to each other: length-prefixed frames on descriptor 3. Values travel
 * as text of `codec.ts` and stay opaque in the parent.
 *
 * A thread has ports in the place of descriptor 3: see `ThreadPorts`.
 *
 * A frame is `u32 length, u8 kind, u32 task`, then the payload. All numbers are little-endian.
 */
import type { MessagePort } from 'node:worker_threads';

export const FRAME_HEADER_BYTES = 9;

/**
 * From the parent: `bind` (the `Program` of the runs that follow, as JSON), `run`, `reply`, and `ping`, which `idle`
 * answers. From the child: the others; `withheld` names what a run tried and goes without, each once, at once, for the
 * run may not live to say so. After an outcome the next frame may be sent at once: it is read when the next realm is
 * made.
 *
 * To a fork server: `fork` (a `ForkOrder` as JSON) and `signal` (one byte), where the task is the slot of
 * the copy that is meant. From it: `hello`, and after SIGKILL `ended` (a `ForkEnd` as JSON).
 */
export const FRAME_KINDS = {
  bind: 1,
  run: 2,
  hello: 3,
  log: 4,
  outcome: 5,
  idle: 6,
  ask: 7,
  reply: 8,
  ping: 9,
  fork: 10,
  signal: 11,
  ended: 12,
  withheld: 13,
} as const;
export type FrameKind = keyof typeof FRAME_KINDS;

export interface Frame {
  readonly kind: FrameKind;
  /** The task it belongs to; 0 outside any. */
  readonly task: number;
  /** In a child good until the next frame comes. */
  readonly payload: Buffer;
}

const NAMES = new Map<number, FrameKind>(
  Object.entries(FRAME_KINDS).map(([name, code]) => [code, name as FrameKind]),
);

export type FramePart = string | Buffer;

export function frameBytes(kind: FrameKind, task: number, ...parts: readonly FramePart[]): Buffer {
  const bytes = Buffer.allocUnsafe(frameLength(parts));
  writeFrame(bytes, kind, task, parts);
  return bytes;
}

/** The bytes of a frame of these parts. */
export function frameLength(parts: readonly FramePart[]): number {
  let length = FRAME_HEADER_BYTES;
  for (const part of parts) length += Buffer.byteLength(part);
  return length;
}

/** Into `bytes`, which are as long as the frame. */
export function writeFrame(bytes: Buffer, kind: FrameKind, task: number, parts: readonly FramePart[]): void {
  // In a worker this is seldom run and never hot: loops cost it less than functions do.
  let at = FRAME_HEADER_BYTES;
  for (const part of parts) at += typeof part === 'string' ? bytes.write(part, at) : part.copy(bytes, at);
  bytes.writeUInt32LE(at - FRAME_HEADER_BYTES, 0);
  bytes.writeUInt8(FRAME_KINDS[kind], 4);
  bytes.writeUInt32LE(task, 5);
}

/** What the header announces; undefined for a kind that does not exist. */
export function readFrameHeader(header: Buffer): { size: number; kind: FrameKind; task: number } | undefined {
  const kind = NAMES.get(header.readUInt8(4));
  return kind && { size: header.readUInt32LE(0), kind, task: header.readUInt32LE(5) };
}

/** One compiled text with its own scope. Structurally the `Template` of `inject/`. */
export interface ProgramUnit {
  readonly fileName: string;
  readonly source: string;
  readonly holes: readonly string[];
  readonly links: readonly string[];
  readonly shifts: readonly { readonly line: number; readonly column: number; readonly shift: number }[];
}

/** What a worker is bound to for its life: a version and all that it requires, pinned. */
export interface Program {
  /** The version's digest; equal digests mean equal programs. */
  readonly digest: string;
  /** The skill itself is `units[0]`. */
  readonly units: readonly (ProgramUnit & {
    /** Default data of the unit, as codec text of an object. */
    readonly parameters: string;
    /** Local name → index into `units`. */
    readonly requires: Readonly<Record<string, number>>;
  })[];
}

/** Names of what is withheld that a run may tell of. */
export const WITHHELD_MAX = 16;

/** Programs that a worker of any version keeps compiled; both sides forget the one used longest ago. */
export const PROGRAMS_MAX = 256;

/** What holds a worker: from most to least. */
export type SandboxTier = 'kernel' | 'permission' | 'none';

/** The child's only argument, as JSON. */
export interface WorkerSettings {
  /** The parent's process id: a child whose parent is gone ends. */
  readonly parentId: number;
  readonly memoryBytesMax: number;
  /** Whether to lock by kernel; otherwise Node's permission flags, if any, are all that holds. */
  readonly useKernel: boolean;
  /** Whether it serves one version for its life, and prepares realms with its code; else any version. */
  readonly servesOne: boolean;
  readonly engine: EngineGrants;
  /** How many copies of itself it is to make, in place of serving. Default: none. */
  readonly copies?: number;
  /** Whether somebody waits for its first copy: what only saves later ones time is put off until that is made. */
  readonly isAwaited?: boolean;
}

/** The first word after the program, where that is a thread. A process has its settings there. */
export const THREAD_WORD = 'thread';

/** What a thread is given beside its settings. A message is one frame; null ends the thread. */
export interface ThreadPorts {
  readonly frames: MessagePort;
  readonly replies: MessagePort;
  /** Counts what was sent to either, and wakes the thread that waits for it. */
  readonly sent: Int32Array;
}

/** What a copy is to be. */
export interface ForkOrder extends Pick<WorkerSettings, 'engine'> {
  /** What its realms draw their random numbers from: below 2^31, and no other copy's. */
  readonly seed: number;
  /** Whether somebody waits for it: it rehearses nothing before it says hello. */
  readonly isAwaited: boolean;
}

/** How a copy ended, signals by number; or why there is none. */
export type ForkEnd =
  | {
      readonly exitCode: number | null;
      readonly signal: number | null;
      /** Of its whole life. */
      readonly cpuUs: number;
      readonly memoryPeakBytes: number;
      readonly error?: undefined;
    }
  | { readonly error: string };

/** What a realm has beyond the ordinary. A worker that gives one of these serves no run without it. */
export interface EngineGrants {
  readonly wasm: boolean;
  readonly eval: boolean;
  readonly sharedMemory: boolean;
}

export const NO_ENGINE_GRANTS: EngineGrants = { wasm: false, eval: false, sharedMemory: false };

/** What the parent does for a run, and what the run goes without. */
export interface TaskGrants {
  readonly fetch: boolean;
  readonly files: boolean;
  readonly random: boolean;
  readonly clock: boolean;
  /** The largest body of a request. */
  readonly bodyBytesMax: number;
}

/**
 * What a run asks of its parent: one line of JSON before the body. Each gets exactly one `reply`, a
 * `ReplyHeader` before its body, also when the run is over by then.
 */
export type AskHeader = { readonly id: number } & (
  | {
      readonly kind: 'fetch';
      readonly url: string;
      readonly method: string;
      readonly headers: readonly (readonly [name: string, value: string])[];
      /** Values in which `$NAME` stands for a secret. */
      readonly secretHeaders: readonly (readonly [name: string, value: string])[];
    }
  | { readonly kind: 'read' | 'write'; readonly name: string }
  /** Takes back an earlier one. */
  | { readonly kind: 'cancel'; readonly of: number }
);

export type ReplyHeader = { readonly id: number } & (
  | {
      readonly kind: 'response';
      readonly status: number;
      readonly statusText: string;
      readonly url: string;
      readonly isRedirected: boolean;
      readonly headers: readonly (readonly [name: string, value: string])[];
    }
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly message: string }
);

/** The child's first frame. */
export interface Hello {
  readonly tier: SandboxTier;
  /** Why it is not more. */
  readonly why?: string;
  /** As it sees itself; a copy's is not known otherwise. */
  readonly processId?: number;
}

/** What goes before the data text in a `run` frame: one line of JSON. */
export interface TaskHeader {
  /** Of the program that this run and those that follow are of: one that the worker keeps. Default: the one before. */
  readonly digest?: string;
  readonly outputBytesMax: number;
  readonly logBytesMax: number;
  readonly seed?: number;
  readonly nowMs?: number;
  /** Absent where nothing is granted and nothing withheld. */
  readonly grants?: TaskGrants;
}

/** A thrown value, bounded, in the skill's own lines and columns. */
export interface ThrownError {
  readonly name: string;
  readonly message: string;
  readonly stack: string;
}

/** What a run used. */
export interface OutcomeFigures {
  readonly cpuUs: number;
  readonly memoryPeakBytes: number;
  readonly logBytes: number;
}

/** What goes before the output text in an `outcome` frame: one line of JSON. */
export type OutcomeHeader = OutcomeFigures &
  (
    | { readonly kind: 'value' }
    | { readonly kind: 'thrown' | 'memory' | 'pending'; readonly error: ThrownError }
    | { readonly kind: 'refused'; readonly reason: string; readonly path: string; readonly message: string }
  );
