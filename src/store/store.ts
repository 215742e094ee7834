/**
 * The store's interface and its records; no implementation. Reads of a single skill answer at
 * once; everything that can take longer takes a `signal`. A resolved write is on disk.
 */
import type { SkillAnalysis } from '../skills/analyse.ts';
import type { SkillDefinition } from '../skills/skill.ts';
import type { PoolStats } from '../pool/pool-stats.ts';
import type { ServiceStore } from './service-store.ts';

/** An immutable version. `definition` and `analysis` are plain JSON. */
export interface SkillVersion {
  readonly name: string;
  readonly version: number;
  /** Lower-case hex SHA-256 of the canonical content (see `cache/keys.ts`). */
  readonly digest: string;
  readonly createdAtMs: number;
  readonly definition: SkillDefinition;
  readonly analysis: SkillAnalysis;
}

export type NewSkillVersion = Omit<SkillVersion, 'version' | 'createdAtMs'>;

/** `added`: a new version; `unchanged`: it was current already; `restored`: an older one is current again. */
export type AddStatus = 'added' | 'unchanged' | 'restored';

export interface AddedVersion {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly status: AddStatus;
}

/** What the caller takes the skill to be: the digest of its current version, `*` for any, or null for no skill of that name. */
export interface Expectation {
  /** Undefined: whatever it is. Throws `PreconditionFailedError` where it is something else. */
  expected?: string | null | undefined;
}

export interface SkillSummary {
  readonly name: string;
  readonly version: number;
  readonly digest: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly language: 'javascript' | 'typescript';
  /** The purity that was decided for the version. */
  readonly pure: boolean;
  readonly createdAtMs: number;
}

export interface VersionSummary {
  readonly version: number;
  readonly digest: string;
  readonly createdAtMs: number;
  readonly current: boolean;
}

export interface SearchHit extends SkillSummary {
  /** Higher is better; comparable within one answer only. */
  readonly score: number;
}

export interface SearchOptions {
  /** Default 10, at most 1000. */
  limit?: number;
  /** Only skills that carry all of these tags. */
  tags?: readonly string[];
  signal?: AbortSignal;
}

export interface ListOptions {
  /** Default 100, at most 1000. */
  limit?: number;
  /** Names greater than this one: the last of the page before. */
  after?: string;
  tags?: readonly string[];
  signal?: AbortSignal;
}

/** The next definitions in name order. */
export interface DefinitionsPage {
  /** Default 100, at most 1000; fewer where they are large. */
  limit?: number;
  /** Names greater than this one: the last of the page before. */
  after?: string;
  signal?: AbortSignal;
}

export interface StoredResult {
  readonly key: string;
  readonly digest: string;
  /** The answer as codec text. */
  readonly output: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export interface RunRecord {
  readonly id: string;
  /** Absent for `runCode`. */
  readonly skill?: string;
  readonly version?: number;
  readonly digest: string;
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly cached: boolean;
  readonly outcome: 'ok' | 'error';
  readonly errorCode?: string;
  /** What confined the run. */
  readonly tier?: string;
  /** Everything else the run tells, plain JSON. */
  readonly report?: Readonly<Record<string, unknown>>;
}

export interface StoreStats {
  readonly kind: 'sqlite' | 'postgres';
  readonly path: string;
  readonly skills: number;
  readonly versions: number;
  readonly results: number;
  /** Size of the stored results, where it is known. */
  readonly resultBytes?: number;
  readonly runs: number;
  readonly fileBytes: number;
  readonly walBytes: number;
  readonly schemaVersion: number;
  /** Group commit: transactions, and the writes they carried. */
  readonly commits: number;
  readonly writes: number;
  readonly writesWaiting: number;
  readonly pools: readonly PoolStats[];
}

export interface StoreCheck {
  readonly ok: boolean;
  /** One line a problem; empty when `ok`. */
  readonly problems: readonly string[];
}

export interface BackupOptions {
  signal?: AbortSignal;
  /** Told while it is going on. */
  onProgress?: (progress: { readonly pages: number; readonly pagesTotal: number }) => void;
}

export interface Store {
  /** What the endpoint keeps. */
  readonly service: ServiceStore;
  /** The version the pointer names, or the one asked for; undefined when there is none. Name without regard to case. */
  load(name: string, version?: number): Promise<SkillVersion | undefined>;
  loadDigest(digest: string): Promise<SkillVersion | undefined>;
  /**
   * A number that changes whenever any pointer may have moved, in this process or another.
   * Cheap enough (microseconds) to ask before every use of a cached pointer.
   */
  epoch(): number | Promise<number>;
  /** Stores a version and moves the pointer, in one transaction. */
  add(version: NewSkillVersion, expectation?: Expectation): Promise<AddedVersion>;
  /** Moves the pointer to an older version. Throws `SkillNotFoundError`. */
  movePointer(name: string, version: number, expectation?: Expectation): Promise<AddedVersion>;
  /** Removes a skill with its versions and results; false when there was none. Throws `SkillInUseError`. */
  remove(name: string, expectation?: Expectation): Promise<boolean>;
  versions(name: string): Promise<VersionSummary[]>;
  /** Of the names given, those that exist, in their stored spelling and with their current digests. */
  resolve(names: readonly string[]): Promise<Map<string, { name: string; version: number; digest: string }>>;
  search(query: string, options?: SearchOptions): Promise<SearchHit[]>;
  list(options?: ListOptions): Promise<SkillSummary[]>;
  /** Current definitions, a page of some hundred kilobytes at a time; empty after the last. Throws `DatabaseCorruptError`. */
  definitions(page?: DefinitionsPage): Promise<SkillDefinition[]>;
  getResult(key: string): Promise<StoredResult | undefined>;
  putResult(result: StoredResult): Promise<void>;
  /** Drops the results of one version, or all; how many there were. */
  dropResults(digest?: string): Promise<number>;
  /** Drops the results that nobody is given any more, in small steps; how many there were. */
  dropExpiredResults(): Promise<number>;
  /** Recorded in the next write group; need not be awaited. */
  recordRun(run: RunRecord): Promise<void>;
  getRun(id: string): Promise<RunRecord | undefined>;
  listRuns(options?: { limit?: number; skill?: string }): Promise<RunRecord[]>;
  stats(): Promise<StoreStats>;
  /** The numbers of its pools, at once. */
  pools(): readonly PoolStats[];
  /** Copies the library as it is now into a new file, while writers go on; its path and size. */
  backup(path: string, options?: BackupOptions): Promise<{ path: string; bytes: number }>;
  check(options?: { deep?: boolean; signal?: AbortSignal }): Promise<StoreCheck>;
  /** Flushes what is waiting and closes everything. May be called twice. */
  close(): Promise<void>;
}
