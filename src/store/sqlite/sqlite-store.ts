/** The embedded store: one SQLite file, point reads here, everything longer in threads. */
import { resolve } from 'node:path';
import { ClosedError, DatabaseReadonlyError } from '../../errors.ts';
import type { SkillDefinition } from '../../skills/skill.ts';
import type { PoolObserver, PoolStats } from '../../pool/pool-stats.ts';
import type { ResourcePool } from '../../pool/resource-pool.ts';
import type {
  AddedVersion,
  BackupOptions,
  DefinitionsPage,
  Expectation,
  ListOptions,
  NewSkillVersion,
  RunRecord,
  SearchHit,
  SearchOptions,
  SkillSummary,
  SkillVersion,
  Store,
  StoreCheck,
  StoredResult,
  StoreStats,
  VersionSummary,
} from '../store.ts';
import { expectFree } from './backup.ts';
import { bounded, LIST_LIMIT, SEARCH_LIMIT, sizeOf } from './bounds.ts';
import type { Connection } from './connection.ts';
import { createTemporaryFile, locateFile, type DatabaseFile } from './database-file.ts';
import { GroupCommit } from './group-commit.ts';
import { PointReader } from './point-reader.ts';
import type { ReadOperations } from './read-operations.ts';
import { createReaders, useReader } from './readers.ts';
import { limitsOf } from './retention.ts';
import type { SqliteStoreOptions } from './sqlite-store-options.ts';
import { openChecked } from './open-checked.ts';
import { inSteps, Retention } from './retention-schedule.ts';
import { SqliteServiceStore } from './sqlite-service-store.ts';
import { RunRecords } from './run-records.ts';
import { Writer } from './writer.ts';

/**
 * Opens a library, creating or migrating it where it may be written.
 * @throws {DatabaseConnectionError} {@link DatabaseCorruptError} {@link DatabaseReadonlyError}
 *   {@link DatabaseFullError}, each with the path and what to do.
 */
export async function openSqliteStore(options: SqliteStoreOptions, observer?: PoolObserver): Promise<Store> {
  const { path, readonly, busyTimeoutMs } = options;
  const { file, remove } =
    path === ':memory:' ? createTemporaryFile(busyTimeoutMs) : locateFile(path, readonly, busyTimeoutMs);
  const writer = new Writer(file, limitsOf(options));
  try {
    const points = new PointReader(await openChecked(file, writer), file.shownPath);
    return new SqliteStore(file, options, points, writer, {
      observer,
      remove,
    });
  } catch (error) {
    await writer.close();
    remove();
    throw error;
  }
}

class SqliteStore implements Store {
  readonly service: SqliteServiceStore;
  readonly #file: DatabaseFile;
  readonly #options: SqliteStoreOptions;
  readonly #points: PointReader;
  readonly #writer: Writer;
  readonly #writes: GroupCommit;
  readonly #readers: ResourcePool<Connection>;
  readonly #runs: RunRecords;
  readonly #remove: () => void;
  readonly #retention: Retention;
  #closing: Promise<void> | undefined;

  constructor(
    file: DatabaseFile,
    options: SqliteStoreOptions,
    points: PointReader,
    writer: Writer,
    { observer, remove }: { observer: PoolObserver | undefined; remove: () => void },
  ) {
    this.#file = file;
    this.#options = options;
    this.#points = points;
    this.#writer = writer;
    this.#remove = remove;
    this.#writes = new GroupCommit({
      commit: (writes) => {
        this.#retention.touch();
        return this.#writer.commit(writes);
      },
      waitingMax: options.writesWaitingMax,
    });
    this.#runs = new RunRecords(this.#writes);
    this.#retention = new Retention(() => this.#writes.write('retain', { nowMs: Date.now() }, true));
    this.service = new SqliteServiceStore({
      points,
      writes: this.#writes,
      read: (operation, given) => this.#read(operation, given),
      expectOpen: () => this.#expectOpen(),
      expectWritable: () => this.#expectWritable(),
    });
    this.#readers = createReaders(file, options, observer);
  }

  async load(name: string, version?: number): Promise<SkillVersion | undefined> {
    this.#expectOpen();
    return this.#points.load(name, version);
  }

  async loadDigest(digest: string): Promise<SkillVersion | undefined> {
    this.#expectOpen();
    return this.#points.loadDigest(digest);
  }

  epoch(): number {
    this.#expectOpen();
    return this.#points.epoch();
  }

  async resolve(
    names: readonly string[],
  ): Promise<Map<string, { name: string; version: number; digest: string }>> {
    this.#expectOpen();
    return this.#points.resolve(names);
  }

  async add(
    { name, digest, definition, analysis }: NewSkillVersion,
    { expected }: Expectation = {},
  ): Promise<AddedVersion> {
    this.#expectWritable();
    const body = JSON.stringify({ definition, analysis });
    return this.#writes.write('add', { name, digest, body, createdAtMs: Date.now(), expected });
  }

  async movePointer(name: string, version: number, { expected }: Expectation = {}): Promise<AddedVersion> {
    this.#expectWritable();
    return this.#writes.write('movePointer', { name, version, expected });
  }

  async remove(name: string, { expected }: Expectation = {}): Promise<boolean> {
    this.#expectWritable();
    return this.#writes.write('remove', { name, expected });
  }

  versions(name: string): Promise<VersionSummary[]> {
    return this.#read('versions', { name });
  }

  search(query: string, options: SearchOptions = {}): Promise<SearchHit[]> {
    const { tags = [], signal } = options;
    return this.#read('search', { query, limit: bounded(options.limit, SEARCH_LIMIT), tags }, signal);
  }

  list(options: ListOptions = {}): Promise<SkillSummary[]> {
    const { after, tags = [], signal } = options;
    return this.#read('list', { limit: bounded(options.limit, LIST_LIMIT), after, tags }, signal);
  }

  definitions({ limit, after, signal }: DefinitionsPage = {}): Promise<SkillDefinition[]> {
    return this.#read('definitions', { limit: bounded(limit, LIST_LIMIT), after }, signal);
  }

  async getResult(key: string): Promise<StoredResult | undefined> {
    this.#expectOpen();
    return this.#points.getResult(key);
  }

  /** @throws {CacheOverflowError} for one that is larger than all that is kept. */
  async putResult(result: StoredResult): Promise<void> {
    this.#expectWritable();
    await this.#writes.write('putResult', result);
  }

  async dropResults(digest?: string): Promise<number> {
    this.#expectWritable();
    let upTo: number | undefined;
    return inSteps(async () => {
      const step = await this.#writes.write('dropResults', { digest, upTo });
      ({ upTo } = step);
      return step;
    });
  }

  async dropExpiredResults(): Promise<number> {
    this.#expectWritable();
    const nowMs = Date.now();
    return inSteps(() => this.#writes.write('dropExpiredResults', { nowMs }));
  }

  recordRun(run: RunRecord): Promise<void> {
    const recorded = this.#recordRun(run);
    // Need not be awaited: a failure that nobody listens to must not end the process.
    recorded.catch(() => {});
    return recorded;
  }

  async #recordRun(run: RunRecord): Promise<void> {
    this.#expectWritable();
    if (this.#options.runsMax > 0) await this.#runs.record(run);
  }

  async getRun(id: string): Promise<RunRecord | undefined> {
    this.#expectOpen();
    return this.#runs.get(id) ?? this.#points.getRun(id);
  }

  async listRuns(options: { limit?: number; skill?: string } = {}): Promise<RunRecord[]> {
    await this.#writes.flush();
    return this.#read('listRuns', { limit: bounded(options.limit, LIST_LIMIT), skill: options.skill });
  }

  async stats(): Promise<StoreStats> {
    await this.#writes.flush();
    const counts = await this.#read('count', {});
    return {
      kind: 'sqlite',
      path: this.#file.shownPath,
      ...counts,
      fileBytes: sizeOf(this.#file.path),
      walBytes: sizeOf(`${this.#file.path}-wal`),
      schemaVersion: this.#points.schemaVersion,
      ...this.#writes.stats,
      pools: this.pools(),
    };
  }

  pools(): readonly PoolStats[] {
    return [this.#readers.stats()];
  }

  async check(options: { deep?: boolean; signal?: AbortSignal } = {}): Promise<StoreCheck> {
    await this.#writes.flush();
    return this.#read('check', { deep: options.deep ?? false }, options.signal);
  }

  async backup(path: string, options: BackupOptions = {}): Promise<{ path: string; bytes: number }> {
    this.#expectOpen();
    const to = resolve(path);
    expectFree(to);
    await this.#writes.flush();
    const { signal } = options;
    const work = (connection: Connection) => connection.backup(to, options);
    const bytes = await useReader(this.#readers, work, { signal, label: 'backup' });
    return { path: to, bytes };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  // The writer goes last: whoever closes last moves the log into the file.
  async #close(): Promise<void> {
    this.#retention.stop();
    await this.#writes.close();
    await this.#readers.close();
    this.#points.close();
    await this.#writer.close();
    this.#remove();
  }

  async #read<Name extends keyof ReadOperations>(
    operation: Name,
    given: Parameters<ReadOperations[Name]>[1],
    signal?: AbortSignal,
  ): Promise<ReturnType<ReadOperations[Name]>> {
    this.#expectOpen();
    const work = (connection: Connection) => connection.read(operation, given, signal);
    return useReader(this.#readers, work, { signal, label: operation });
  }

  #expectOpen(): void {
    if (this.#closing !== undefined) throw new ClosedError('the store is closed');
  }

  #expectWritable(): void {
    this.#expectOpen();
    if (this.#file.mode !== 'readonly') return;
    const { shownPath: path } = this.#file;
    throw new DatabaseReadonlyError(`${path} was opened read-only: nothing was written`, {
      details: { path },
    });
  }
}
