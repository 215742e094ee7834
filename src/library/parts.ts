/** The parts of a library, built from its options and closed in one place. */
import { compileSkill, type CompiledSkill } from '../cache/compile.ts';
import { InlineCache } from '../cache/inline-cache.ts';
import { KeyAliases } from '../cache/keys.ts';
import { PurityCheck } from '../cache/purity-check.ts';
import { ResultCache } from '../cache/result-cache.ts';
import { SkillCache } from '../cache/skill-cache.ts';
import { BatchCounters } from '../monitor/batch-counters.ts';
import { Doorway } from './doorway.ts';
import { RunTurns } from './run-turns.ts';
import { alertWebhook, LibraryWatch } from './watch.ts';
import type { ResolvedOptions } from '../options.ts';
import { encodeValue } from '../sandbox/codec.ts';
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts';
import type { SkillVersion, Store } from '../store/store.ts';
import { Dispatcher } from '../workers/dispatch.ts';

export interface LibraryParts {
  readonly options: ResolvedOptions;
  readonly store: Store;
  readonly skills: SkillCache;
  readonly inline: InlineCache;
  readonly results: ResultCache;
  readonly purity: PurityCheck;
  readonly aliases: KeyAliases;
  readonly workers: Dispatcher;
  readonly watch: LibraryWatch;
  readonly batches: BatchCounters;
  /** Of runs that waited for their skill to be loaded. */
  readonly turns: RunTurns;
  /** Of runs that are to be executed. */
  readonly doorway: Doorway;
  /** Links and readies a version; what a skill-cache miss does. */
  readonly compile: (version: SkillVersion) => Promise<CompiledSkill>;
}

export async function buildParts(options: ResolvedOptions): Promise<LibraryParts> {
  const { cache } = options;
  const webhook = alertWebhook(options.monitor.webhook);
  const store = await openSqliteStore({ ...options.store, path: options.path, readonly: options.readonly });
  const stored = cache.storeResults && !options.readonly ? { store } : {};
  const results = new ResultCache({
    entriesMax: cache.resultEntriesMax,
    bytesMax: cache.resultBytesMax,
    policy: cache.policy,
    ttlMs: cache.resultTtlMs,
    staleMs: cache.resultStaleMs,
    ...stored,
  });
  const purity = new PurityCheck({
    everyHits: cache.purityCheckHits,
    drop: (digest) => results.drop(digest),
    ...stored,
  });
  const compile = async (version: SkillVersion): Promise<CompiledSkill> => {
    await purity.load(version.digest);
    return compileSkill(version, {
      loadDigest: (digest) => store.loadDigest(digest),
      limits: options.requires,
      encode: (value) => encodeValue(value),
    });
  };
  const bounds = { entriesMax: cache.skillEntriesMax, bytesMax: cache.skillBytesMax, policy: cache.policy };
  const skills = new SkillCache({ store, compile, ...bounds });
  const inline = new InlineCache({ store, ...bounds });
  const { require, wrapper, cgroup, cgroupPath } = options.sandbox;
  const { memoryBytesMax } = options.run;
  const confined = { require, wrapper, cgroup, cgroupPath };
  const workers = new Dispatcher({ workers: options.workers, ...confined, memoryBytesMax });
  const batches = new BatchCounters();
  const watched = { skills, inline, results, purity, workers, store, batches };
  const watch = new LibraryWatch(options, watched, webhook);
  return {
    options,
    store,
    skills,
    inline,
    results,
    purity,
    aliases: new KeyAliases(),
    workers,
    watch,
    batches,
    turns: new RunTurns(),
    doorway: new Doorway(options.workers.concurrency),
    compile,
  };
}

/** Workers first, since what they do may still be written; the store last. */
export async function closeParts(parts: LibraryParts, graceMs: number): Promise<void> {
  const told = parts.watch.close(graceMs);
  try {
    const checked = parts.purity.close();
    await parts.workers.close(graceMs);
    await checked;
    await parts.results.flush();
    await told;
  } finally {
    await parts.store.close();
  }
}
