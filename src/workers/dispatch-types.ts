/** What the dispatcher is asked and what it tells. */
import type { DestroyReason, PoolObserver, PoolStats } from '../pool/pool-stats.ts';
import type { RunGrants } from '../grants.ts';
import type { Program, SandboxTier } from '../sandbox/protocol.ts';
import type { ProcessSourceOptions } from './process-source.ts';

/** The pool of workers, as the options of the library give it; see `options.ts` for defaults and bounds. */
export interface WorkersOptions extends Omit<ProcessSourceOptions, 'idleTimeoutMs'> {
  readonly min: number;
  readonly max: number;
  readonly overflowMax: number;
  readonly acquireTimeoutMs: number;
  readonly waitingMax: number;
  readonly idleTimeoutMs: number;
  readonly usesMax: number;
  readonly ageMaxMs: number;
  /** Most runs at once. */
  readonly concurrency: number;
  /**
   * What a worker serves: one `version` in realms of their own, one `run` in a pristine process, or any
   * version of the `library`, for code that is trusted.
   */
  readonly isolation: 'version' | 'run' | 'library';
  /** A worker whose process ever held more than this, and than its runs may, is not used again. */
  readonly memoryCeilingBytes: number;
}

export interface DispatcherOptions {
  readonly workers: WorkersOptions;
  /** The least confinement that is accepted. */
  readonly require: SandboxTier;
  /** Memory that warm workers are started for. Default 128 MiB. */
  readonly memoryBytesMax?: number | undefined;
  /** `permission` does not try the kernel's lock. Default: the best there is. */
  readonly confinement?: 'kernel' | 'permission' | undefined;
  /** Namespaces or a profile around workers: where there are any (`auto`), `never`, or else no run (`require`). */
  readonly wrapper?: 'auto' | 'never' | 'require' | undefined;
  /** A cgroup for each worker: where that can be (`auto`), `never`, or else no run (`require`). Default: never. */
  readonly cgroup?: 'auto' | 'never' | 'require' | undefined;
  /** The delegated cgroup to make them in. Default: the one that this process is in. */
  readonly cgroupPath?: string | undefined;
  readonly observer?: PoolObserver | undefined;
}

export interface DispatchLimits {
  readonly timeoutMs: number;
  readonly memoryBytesMax: number;
  readonly outputBytesMax: number;
  readonly logBytesMax: number;
}

export interface DispatchRequest {
  readonly program: Program;
  /** Whose run it is: tenants take turns, and share no worker. Default: nobody's in particular. */
  readonly tenant?: string | undefined;
  /** Codec text of `{ inputs, context, parameters }`. */
  readonly data: string;
  readonly limits: DispatchLimits;
  /** Makes randomness repeatable. */
  readonly seed?: number | undefined;
  /** The time the run believes it is, in ms since 1970; it stands still. */
  readonly now?: number | undefined;
  /** What it is given beside computing; absent: nothing, with randomness and a clock. */
  readonly grants?: RunGrants | undefined;
  readonly signal?: AbortSignal | undefined;
  /** What it has waited already, which is told as time in line. Default 0. */
  readonly heldMs?: number;
  /** Told of console output as it comes, as far as it is kept. */
  readonly onLog?: ((text: string) => void) | undefined;
}

/** A request that was not granted. */
export interface Refused {
  readonly request: string;
  readonly reason: string;
}

/** What a run made of its grants. */
export interface GrantUse {
  readonly requests: number;
  /** Bodies of requests and responses together. */
  readonly requestBytes: number;
  readonly fileBytes: number;
  readonly refusals: number;
  /** The first of the refusals. */
  readonly refused: readonly Refused[];
}

export interface RunReport {
  readonly tier: SandboxTier;
  /** `bound`: the worker had this version already; `warm`: it was started ahead; `cold`: it was started for this run. */
  readonly start: 'bound' | 'warm' | 'cold';
  readonly queueMs: number;
  readonly startMs: number;
  readonly wallMs: number;
  /**
   * Of a run whose process ended with it, an estimate: what the process used beyond its earlier runs. Where
   * workers are no copies, in steps of 10 ms, and 0 if it died by itself.
   */
  readonly cpuMs: number;
  /** The most the process ever held, in its life; absent if one that is no copy died by itself. */
  readonly memoryPeakBytes?: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly logBytes: number;
  readonly logsCut: boolean;
  readonly limits: DispatchLimits;
  /** What it was given or went without, by name; absent where nothing was said of grants. */
  readonly grants?: readonly string[];
  readonly granted?: GrantUse;
}

export interface DispatchResult {
  /** Codec text. */
  readonly output: string;
  readonly logs: string;
  readonly report: RunReport;
}

export interface DispatchStats {
  readonly pool: PoolStats;
  /** Runs under way. */
  readonly running: number;
  /** Runs in line. */
  readonly waiting: number;
  /** Processes started. */
  readonly starts: number;
  readonly boundHits: number;
  readonly warmHits: number;
  readonly coldStarts: number;
  readonly retired: Readonly<Partial<Record<DestroyReason, number>>>;
  readonly workers: readonly WorkerStats[];
  /** Undefined until the first worker said hello. */
  readonly tier?: SandboxTier;
}

/** One worker, as far as it has told. */
export interface WorkerStats {
  readonly processId: number;
  readonly isBusy: boolean;
  /** The version it served last, as `skill:name@version`; absent while it is unbound. */
  readonly skill?: string;
  readonly tenant?: string;
  readonly uses: number;
  readonly ageMs: number;
  /** Processor time of its runs together. */
  readonly cpuMs: number;
  /** The most its process ever held, as of its last answer; 0 before. */
  readonly memoryPeakBytes: number;
  readonly memoryBytesMax: number;
}

export interface Confinement {
  readonly tier: SandboxTier;
  readonly seccomp: boolean;
  readonly platform: string;
  /** Why it is not the highest tier. */
  readonly why?: string;
  /** What is put around workers beside; absent where nothing is. */
  readonly wrapper?: 'bubblewrap' | 'sandbox-exec';
  readonly wrapperWhy?: string;
  /** Why workers are started one by one and not copied from one that stands ready; absent where they are copied. */
  readonly forkServerWhy?: string;
  /** Why workers have no cgroup each; absent where they have. */
  readonly cgroupWhy?: string;
}
