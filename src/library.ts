/** SkillLibrary: holds the parts, and is the only place that knows the order of their steps. */
import { EventEmitter } from 'node:events';
import type { CompiledSkill } from './cache/compile.ts';
import { injectData, type Injected } from './inject/inject.ts';
import {
  codeArgument,
  pageOptions,
  parseReference,
  pathArgument,
  textArgument,
} from './library/arguments.ts';
import { addSkill, compileInline, inlineKey, verifyVersion } from './library/add.ts';
import { clearCaches, evictExpired, pin, unpin, warmUp } from './library/caches.ts';
import { eachDefinition, writeFolders } from './library/export.ts';
import { LibraryGate } from './library/gate.ts';
import { importSkills, type ImportOptions, type ImportOutcome } from './library/import.ts';
import { buildParts, closeParts, type LibraryParts } from './library/parts.ts';
import { run, RunRequest } from './library/run.ts';
import { loadStored, removeSkill, rollBack, versionsOf } from './library/versions.ts';
import type {
  AddedSkill,
  AddOptions,
  CacheCounts,
  ClearOptions,
  Confinement,
  InjectRequest,
  LibraryEdges,
  LibraryEvents,
  SkillRun,
  StoredSkill,
  VerifyReport,
  WarmUpOptions,
  WarmUpReport,
} from './library/types.ts';
import type { BatchCounters } from './monitor/batch-counters.ts';
import type { MetricsSnapshot } from './monitor/metrics.ts';
import { type ResolvedOptions, resolveOptions, type SkillLibraryOptions } from './options.ts';
import type { RunOptions } from './run-options.ts';
import { type ImportCandidate, readImport } from './skills/importers.ts';
import type { SkillDefinition } from './skills/skill.ts';
import type { ServiceStore } from './store/service-store.ts';
import type {
  AddedVersion,
  BackupOptions,
  Expectation,
  ListOptions,
  RunRecord,
  SearchHit,
  SearchOptions,
  SkillSummary,
  StoreCheck,
  VersionSummary,
} from './store/store.ts';

export class SkillLibrary {
  readonly options: ResolvedOptions;
  /** Told by `Batches`. */
  readonly batches: BatchCounters;
  readonly #parts: LibraryParts;
  readonly #events = new EventEmitter<LibraryEvents>();
  readonly #gate: LibraryGate;

  private constructor(parts: LibraryParts, { log }: LibraryEdges) {
    this.#parts = parts;
    this.options = parts.options;
    this.batches = parts.batches;
    this.#gate = new LibraryGate(() => parts.watch.noticeWork());
    parts.watch.listen({
      alert: (alert) => this.#events.emit('alert', alert),
      report: (report) => this.#events.emit('report', report),
      ...(log && { log }),
    });
  }

  /**
   * Opens a library, and creates it where there is none.
   * @throws {ConfigurationError} for an unknown or wrong option; {DatabaseConnectionError},
   * {DatabaseCorruptError}, {DatabaseReadonlyError} for a file that cannot serve.
   */
  static async open(options: SkillLibraryOptions = {}, edges: LibraryEdges = {}): Promise<SkillLibrary> {
    const library = new SkillLibrary(await buildParts(resolveOptions(options)), edges);
    const { warmUpSkills: skills } = library.options.cache;
    if (skills > 0) await library.warmUp({ skills });
    return library;
  }

  /**
   * Stores a definition as a new version and moves the pointer to it, when its examples hold. The same
   * content again changes nothing and says so (`status: 'unchanged'`).
   * @throws {SkillInvalidError}, {SkillSyntaxError}, {InjectionError}, {RequirementError},
   * {SecurityValidationError}, {SkillVerificationError}; the old version keeps serving.
   */
  add(definition: unknown, options: AddOptions = {}): Promise<AddedSkill> {
    return this.#gate.work(() => addSkill(this.#parts, definition, options, this.#gate.signals));
  }

  /** The current version of `name`, or `name@version`. @throws {SkillNotFoundError} */
  get(reference: string): Promise<StoredSkill> {
    return this.#gate.work(() => loadStored(this.#parts.store, reference));
  }

  /**
   * Runs `name` or `name@version` with fresh data, in a confined process, or answers from the result
   * cache where the skill is pure.
   * @throws {SkillNotFoundError}, {InputValidationError}, {InjectionError}, {SkillRuntimeError},
   * {ExecutionTimeoutError}, {ExecutionMemoryError}, {OutputLimitError}, {OutputValidationError},
   * {WorkerCrashedError}, {PoolExhaustedError}, {AbortedError}, {ConfigurationError}, {ClosedError}.
   */
  run(reference: string, inputs: object = {}, options: RunOptions = {}): Promise<SkillRun> {
    return run(this.#parts, this.#gate, inputs, options, {
      now: () => this.#parts.skills.getNow(textArgument('reference', reference)),
      load: (request) => {
        const { name, version } = parseReference(reference);
        return this.#parts.skills.get(name, version, { signal: request.signal });
      },
    });
  }

  /** Runs code that is not stored: the same path, and the same errors, as `run`. */
  runCode(code: string, inputs: object = {}, options: RunOptions = {}): Promise<SkillRun> {
    const load = async (): Promise<CompiledSkill> =>
      this.#parts.inline.get(inlineKey(codeArgument(code), options.language), () =>
        compileInline(this.#parts, code, options.language),
      );
    return run(this.#parts, this.#gate, inputs, options, { now: () => undefined, load });
  }

  /** The code with the data in it, as source text. @throws {InjectionError} */
  inject(code: string, request: InjectRequest = {}): Injected {
    this.#gate.refuseClosed();
    return injectData(code, { ...request, limits: this.options.injection });
  }

  /** The skills that fit a query in plain words, best first. */
  search(query: string, options: SearchOptions = {}): Promise<SearchHit[]> {
    return this.#gate.work(() =>
      this.#parts.store.search(textArgument('query', query), pageOptions(options)),
    );
  }

  /** A page of skills by name. */
  list(options: ListOptions = {}): Promise<SkillSummary[]> {
    return this.#gate.work(() => this.#parts.store.list(pageOptions(options)));
  }

  /** The versions of a skill, newest first. @throws {SkillNotFoundError} */
  versions(name: string): Promise<VersionSummary[]> {
    return this.#gate.work(() => versionsOf(this.#parts.store, textArgument('name', name)));
  }

  /** Moves the pointer to `version`, by default the one before the current. @throws {SkillNotFoundError} */
  rollback(name: string, version?: number, expectation?: Expectation): Promise<AddedVersion> {
    return this.#gate.work(() =>
      rollBack(this.#parts.store, textArgument('name', name), version, expectation),
    );
  }

  /** Removes a skill with all its versions and results. @throws {SkillNotFoundError}, {SkillInUseError} */
  remove(name: string, expectation?: Expectation): Promise<void> {
    return this.#gate.work(() => removeSkill(this.#parts.store, textArgument('name', name), expectation));
  }

  /** Runs the examples of a stored version again. @throws {SkillNotFoundError} */
  verify(reference: string, options: { signal?: AbortSignal } = {}): Promise<VerifyReport> {
    return this.#gate.work(async () => {
      const { name, version } = parseReference(reference);
      const { signals } = this.#gate;
      using request = new RunRequest(options.signal ? { signal: options.signal } : {}, signals);
      const skill = await this.#parts.skills.get(name, version, { signal: request.signal });
      return await verifyVersion(this.#parts, skill, options, signals);
    });
  }

  /** Adds every skill under `path`: folders, collections, source files. Past a bad one it goes on. */
  import(path: string, options: ImportOptions = {}): AsyncGenerator<ImportOutcome> {
    return importSkills(
      pathArgument(path),
      (definition, how) => this.add(definition, how),
      options,
      this.options.workers.concurrency,
    );
  }

  /** Every current definition, in name order, a page at a time. */
  definitions(options: { signal?: AbortSignal } = {}): AsyncGenerator<SkillDefinition> {
    return eachDefinition((page) => this.#gate.work(() => this.#parts.store.definitions(page)), options);
  }

  /** What `import` would read at `path`; nothing is stored. */
  readSkills(path: string, options: { signal?: AbortSignal } = {}): AsyncIterable<ImportCandidate> {
    return readImport(pathArgument(path), options);
  }

  /** Writes definitions, by default all, as folders of the Agent Skills format into `parent`; their paths. */
  exportFolder(
    parent: string,
    definitions: AsyncIterable<SkillDefinition> = this.definitions(),
    options: { overwrite?: boolean } = {},
  ): Promise<string[]> {
    return writeFolders(parent, definitions, options);
  }

  /** Keys, audit trail and kept answers of the endpoint. */
  get service(): ServiceStore {
    return this.#parts.store.service;
  }

  /** The record of a run that was executed; answers out of the cache leave none. */
  getRun(id: string): Promise<RunRecord | undefined> {
    return this.#gate.work(() => this.#parts.store.getRun(textArgument('id', id)));
  }

  /** Checks the database; `deep` reads every version and the index. */
  check(options: { deep?: boolean; signal?: AbortSignal } = {}): Promise<StoreCheck> {
    return this.#gate.work(() => this.#parts.store.check(options));
  }

  /** Copies the library as it is now into a new file, while writers go on; `restoreLibrary` puts it back. */
  backup(path: string, options: BackupOptions = {}): Promise<{ path: string; bytes: number }> {
    return this.#gate.work(() => this.#parts.store.backup(path, options));
  }

  /** What confines runs on this machine. */
  confinement(): Promise<Confinement> {
    return this.#gate.work(() => this.#parts.workers.confinement());
  }

  /** Empties the caches but for what is pinned: those in memory and, by default, the stored results. */
  clearCaches(options: ClearOptions = {}): Promise<CacheCounts> {
    return this.#gate.work(() => clearCaches(this.#parts, options));
  }

  /** Ends every worker, the busy ones after their run; with `replace`, what takes their place is started first. */
  clearWorkers({ replace = false }: { replace?: boolean } = {}): Promise<void> {
    return this.#gate.work(() => (replace ? this.#parts.workers.recycle() : this.#parts.workers.clear()));
  }

  /** Drops what is past its age, in memory and on disk. Happens by itself while there is work. */
  evictExpired(): Promise<CacheCounts> {
    return this.#gate.work(() => evictExpired(this.#parts));
  }

  /** Compiles the most used skills and starts workers, before they are asked for. */
  warmUp(options: WarmUpOptions = {}): Promise<WarmUpReport> {
    return this.#gate.work(() => warmUp(this.#parts, options, this.#gate.closing));
  }

  /** Imports what changed in folders that were imported before; what did not is `unchanged`. */
  async *refresh(paths: Iterable<string>, options: ImportOptions = {}): AsyncGenerator<ImportOutcome> {
    for (const path of paths) yield* this.import(path, options);
  }

  /**
   * Keeps the compiled version that `reference` names now from being evicted.
   * @throws {CacheOverflowError} when it does not fit beside what is pinned already; {SkillNotFoundError}.
   */
  pin(reference: string): Promise<void> {
    return this.#gate.work(() => pin(this.#parts, reference));
  }

  /** Ends what `pin` of the same words began; false where there is nothing to end. */
  unpin(reference: string): boolean {
    return unpin(this.#parts, reference);
  }

  /** Every number, as one JSON snapshot, at once; the store's and memory's are of the last sample. */
  metrics(): MetricsSnapshot {
    this.#gate.refuseClosed();
    return this.#parts.watch.snapshot();
  }

  /** The same with a fresh sample of the store and of memory. */
  sampleMetrics(): Promise<MetricsSnapshot> {
    return this.#gate.work(() => this.#parts.watch.sample());
  }

  /** `alert`: once when a threshold is crossed, again while it lasts (`monitor.repeatMs`), once when it is over. */
  on<Name extends keyof LibraryEvents>(event: Name, listener: (...told: LibraryEvents[Name]) => void): this {
    this.#events.on(event, listener as never);
    return this;
  }

  off<Name extends keyof LibraryEvents>(event: Name, listener: (...told: LibraryEvents[Name]) => void): this {
    this.#events.off(event, listener as never);
    return this;
  }

  /**
   * Refuses new work, lets running work finish for `closeTimeoutMs`, then stops it, ends the workers,
   * flushes the writes and closes the database. May be called twice, at any moment.
   */
  close(): Promise<void> {
    const graceMs = this.options.closeTimeoutMs;
    return this.#gate.close(graceMs, () => closeParts(this.#parts, graceMs));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
