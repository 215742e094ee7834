/** SkillLibrary: holds the parts, and is the only place that knows the order of their steps. */
import { EventEmitter, setMaxListeners } from 'node:events';
import { resolve } from 'node:path';
import type { CompiledSkill } from './cache/compile.ts';
import { ClosedError, SkillNotFoundError } from './errors.ts';
import { injectData, type Injected } from './inject/inject.ts';
import { addSkill, compileInline, inlineKey, verifyVersion } from './library-add.ts';
import { importSkills, type ImportOptions, type ImportOutcome } from './library-import.ts';
import { buildParts, closeParts, type LibraryParts } from './library-parts.ts';
import { answer, openRequest, runAnswer, type RunRequest } from './library-run.ts';
import type {
  AddedSkill,
  AddOptions,
  Confinement,
  InjectRequest,
  SkillRun,
  StoredSkill,
  VerifyReport,
} from './library-types.ts';
import type { Alert } from './monitor/alerts.ts';
import type { MetricsSnapshot } from './monitor/metrics.ts';
import { type ResolvedOptions, resolveOptions, type SkillLibraryOptions } from './options.ts';
import type { RunOptions } from './run-options.ts';
import { type ImportCandidate, readImport } from './skills/importers.ts';
import { writeSkillFolder } from './skills/skill-folder.ts';
import type { SkillDefinition } from './skills/skill.ts';
import type {
  AddedVersion,
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
  readonly #parts: LibraryParts;
  readonly #events = new EventEmitter<{ alert: [Alert] }>();
  /** Fires when `close()` has waited long enough. */
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();
  #closed: Promise<void> | undefined;

  private constructor(parts: LibraryParts) {
    this.#parts = parts;
    this.options = parts.options;
    setMaxListeners(0, this.#closing.signal);
    parts.watch.onAlert((alert) => this.#events.emit('alert', alert));
  }

  /**
   * Opens a library, and creates it where there is none.
   * @throws {ConfigurationError} for an unknown or wrong option; {DatabaseConnectionError},
   * {DatabaseCorruptError}, {DatabaseReadonlyError} for a file that cannot serve.
   */
  static async open(options: SkillLibraryOptions = {}): Promise<SkillLibrary> {
    return new SkillLibrary(await buildParts(resolveOptions(options)));
  }

  /**
   * Stores a definition as a new version and moves the pointer to it, when its examples hold. The same
   * content again changes nothing and says so (`status: 'unchanged'`).
   * @throws {SkillInvalidError}, {SkillSyntaxError}, {InjectionError}, {RequirementError},
   * {SecurityValidationError}, {SkillVerificationError}; the old version keeps serving.
   */
  add(definition: unknown, options: AddOptions = {}): Promise<AddedSkill> {
    return this.#work(() => addSkill(this.#parts, definition, options, this.#closing.signal));
  }

  /** The current version of `name`, or `name@version`. @throws {SkillNotFoundError} */
  get(reference: string): Promise<StoredSkill> {
    return this.#work(async () => {
      const { name, version } = parseReference(reference);
      const stored = await this.#parts.store.load(name, version);
      if (!stored) throw new SkillNotFoundError(`no skill ${reference}`, { details: { reference } });
      return stored;
    });
  }

  /**
   * Runs `name` or `name@version` with fresh data, in a confined process, or answers from the result
   * cache where the skill is pure.
   * @throws {SkillNotFoundError}, {InputValidationError}, {InjectionError}, {SkillRuntimeError},
   * {ExecutionTimeoutError}, {ExecutionMemoryError}, {OutputLimitError}, {OutputValidationError},
   * {WorkerCrashedError}, {PoolExhaustedError}, {AbortedError}, {ConfigurationError}, {ClosedError}.
   */
  run(reference: string, inputs: object = {}, options: RunOptions = {}): Promise<SkillRun> {
    return this.#run(inputs, options, (request) => {
      const { name, version } = parseReference(reference);
      return this.#parts.skills.get(name, version, { signal: request.signal });
    });
  }

  /** Runs code that is not stored: the same path, and the same errors, as `run`. */
  runCode(code: string, inputs: object = {}, options: RunOptions = {}): Promise<SkillRun> {
    return this.#run(inputs, options, () =>
      this.#parts.inline.get(inlineKey(code, options.language), () =>
        compileInline(this.#parts, code, options.language),
      ),
    );
  }

  /**
   * The code with the data in it, as source text.
   * @throws {InjectionError}
   */
  inject(code: string, request: InjectRequest = {}): Injected {
    this.#refuseClosed();
    return injectData(code, { ...request, limits: this.options.injection });
  }

  /** The skills that fit a query in plain words, best first. */
  search(query: string, options: SearchOptions = {}): Promise<SearchHit[]> {
    return this.#work(() => this.#parts.store.search(query, options));
  }

  /** A page of skills by name. */
  list(options: ListOptions = {}): Promise<SkillSummary[]> {
    return this.#work(() => this.#parts.store.list(options));
  }

  /** The versions of a skill, newest first. @throws {SkillNotFoundError} */
  versions(name: string): Promise<VersionSummary[]> {
    return this.#work(async () => {
      const versions = await this.#parts.store.versions(name);
      if (versions.length === 0) throw new SkillNotFoundError(`no skill ${name}`, { details: { name } });
      return versions.toSorted((left, right) => right.version - left.version);
    });
  }

  /** Moves the pointer to `version`, by default the one before the current. @throws {SkillNotFoundError} */
  async rollback(name: string, version?: number): Promise<AddedVersion> {
    const versions = await this.versions(name);
    return this.#work(() => {
      const current = versions.find((one) => one.current)?.version ?? 0;
      const target = version ?? versions.find((one) => one.version < current)?.version;
      if (target !== undefined) return this.#parts.store.movePointer(name, target);
      throw new SkillNotFoundError(`${name}@${current} has no version before it`, { details: { name } });
    });
  }

  /** Removes a skill with all its versions and results. @throws {SkillNotFoundError}, {SkillInUseError} */
  remove(name: string): Promise<void> {
    return this.#work(async () => {
      if (await this.#parts.store.remove(name)) return;
      throw new SkillNotFoundError(`no skill ${name}`, { details: { name } });
    });
  }

  /** Runs the examples of a stored version again. @throws {SkillNotFoundError} */
  verify(reference: string, options: { signal?: AbortSignal } = {}): Promise<VerifyReport> {
    return this.#work(async () => {
      const { name, version } = parseReference(reference);
      const { signal } = openRequest(options.signal ? { signal: options.signal } : {}, this.#closing.signal);
      return verifyVersion(this.#parts, await this.#parts.skills.get(name, version, { signal }), signal);
    });
  }

  /** Adds every skill under `path`: folders, collections, source files. Past a bad one it goes on. */
  import(path: string, options: ImportOptions = {}): AsyncGenerator<ImportOutcome> {
    return importSkills(path, (definition, how) => this.add(definition, how), options);
  }

  /** Every current definition, in name order, a page at a time. */
  async *definitions(options: { signal?: AbortSignal } = {}): AsyncGenerator<SkillDefinition> {
    for (let after = ''; ;) {
      const page = await this.list({ ...options, ...(after && { after }), limit: 100 });
      for (const { name } of page) yield (await this.get(name)).definition;
      const last = page.at(-1);
      if (!last) return;
      after = last.name;
    }
  }

  /** What `import` would read at `path`: definitions and refusals, nothing stored. */
  readSkills(path: string, options: { signal?: AbortSignal } = {}): AsyncIterable<ImportCandidate> {
    return readImport(path, options);
  }

  /** Writes definitions, by default all, as folders of the Agent Skills format into `parent`; their paths. */
  async exportFolder(
    parent: string,
    definitions: AsyncIterable<SkillDefinition> = this.definitions(),
    options: { overwrite?: boolean } = {},
  ): Promise<string[]> {
    const folders: string[] = [];
    for await (const definition of definitions) {
      const folder = resolve(parent, definition.name);
      await writeSkillFolder(folder, definition, options);
      folders.push(folder);
    }
    return folders;
  }

  /** The record of a run that was executed; answers out of the cache leave none. */
  getRun(id: string): Promise<RunRecord | undefined> {
    return this.#work(() => this.#parts.store.getRun(id));
  }

  /** Checks the database; `deep` reads every version and the index. */
  check(options: { deep?: boolean; signal?: AbortSignal } = {}): Promise<StoreCheck> {
    return this.#work(() => this.#parts.store.check(options));
  }

  /** What confines runs on this machine. */
  confinement(): Promise<Confinement> {
    return this.#work(() => this.#parts.workers.confinement());
  }

  /** Every number of the library, as one JSON snapshot. */
  metrics(): Promise<MetricsSnapshot> {
    return this.#work(() => this.#parts.watch.snapshot());
  }

  /** `alert`: once when a threshold is crossed, again while it lasts (`monitor.repeatMs`), once when it is over. */
  on(event: 'alert', listener: (alert: Alert) => void): this {
    this.#events.on(event, listener);
    return this;
  }

  off(event: 'alert', listener: (alert: Alert) => void): this {
    this.#events.off(event, listener);
    return this;
  }

  /**
   * Refuses new work, lets running work finish for `closeTimeoutMs`, then stops it, ends the workers,
   * flushes the writes and closes the database. May be called twice, at any moment.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const finished = Promise.allSettled(this.#running);
    const graceMs = this.options.closeTimeoutMs;
    const timer = setTimeout(() => {
      this.#closing.abort(
        new ClosedError(`the library was closed; the run did not end within ${graceMs} ms`),
      );
    }, graceMs);
    await finished;
    clearTimeout(timer);
    await closeParts(this.#parts, graceMs);
  }

  async #run(
    inputs: object,
    options: RunOptions,
    compiled: (request: RunRequest) => Promise<CompiledSkill>,
  ): Promise<SkillRun> {
    return this.#work(async () => {
      const request = openRequest(options, this.#closing.signal);
      const { watch } = this.#parts;
      watch.runStarted();
      let skill: CompiledSkill | undefined;
      try {
        skill = await compiled(request);
        const found = await answer(this.#parts, skill, inputs, request);
        const run = runAnswer(request, skill, found);
        watch.runEnded(request, skill, found);
        return run;
      } catch (thrown) {
        throw watch.runFailed(request, skill, thrown);
      }
    });
  }

  /** Runs a step, and lets `close()` wait for it. */
  async #work<T>(step: () => Promise<T>): Promise<T> {
    this.#refuseClosed();
    const promise = step();
    this.#running.add(promise);
    try {
      return await promise;
    } finally {
      this.#running.delete(promise);
    }
  }

  #refuseClosed(): void {
    if (this.#closed) throw new ClosedError('the library is closed');
  }
}

/** `moving-average` or `moving-average@3`. */
function parseReference(reference: string): { name: string; version?: number } {
  const [, name = '', version] = /^([^@]+?)(?:@([1-9]\d{0,8}))?$/.exec(reference) ?? [];
  if (name === '')
    throw new SkillNotFoundError(`no skill ${JSON.stringify(reference)}`, { details: { reference } });
  return version === undefined ? { name } : { name, version: Number(version) };
}
