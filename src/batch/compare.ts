/** Two versions of a skill over the same inputs: which lines differ, who fails more, who is faster. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { batchTuning, checkBatchOptions, type BatchCallOptions } from '../batch-options.ts';
import type { SkillLibrary } from '../library.ts';
import type { BatchSignals } from './batch-types.ts';
import { ByteSource } from './byte-source.ts';
import { framesOf } from './frames.ts';
import { InputReader } from './input-reader.ts';
import { ItemReader, type Item } from './item.ts';
import { runItem, type ItemError, type ItemResult } from './item-run.ts';
import type { BatchRunOptions } from './job.ts';
import { OrderedRuns } from './ordered-runs.ts';
import { plainRun } from './plain-run.ts';
import { inputPlace, type IsOwn } from './places.ts';

export interface CompareOptions extends BatchCallOptions, BatchSignals {
  inputs: string | Readable;
  /** The same for every run. Here `cache` is `bypass` unless said otherwise: each run is executed, and timed. */
  run?: BatchRunOptions;
  /** Told of each input to which the two answer differently. */
  onDifference?: (difference: Difference) => void;
}

export interface Side {
  readonly output?: unknown;
  readonly error?: ItemError;
}

export interface Difference {
  /** From 0. */
  readonly index: number;
  /** Where in the inputs it begins, from 1. */
  readonly line: number;
  readonly before: Side;
  readonly after: Side;
}

export interface SideReport {
  readonly skill: string;
  readonly failed: number;
  /** Failed of all, 0 to 1. */
  readonly errorRate: number;
  /** Runs that were executed and went well: those out of the cache took no time worth telling. */
  readonly executed: number;
  readonly meanMs: number;
}

export interface Comparison {
  readonly items: number;
  readonly same: number;
  readonly differing: number;
  readonly before: SideReport;
  readonly after: SideReport;
}

interface Pair {
  readonly before: ItemResult;
  readonly after: ItemResult;
}

export async function compareVersions(
  library: SkillLibrary,
  before: string,
  after: string,
  options: CompareOptions,
  isOwn: IsOwn,
): Promise<Comparison> {
  const { inputs, run: runSaid = {}, signal, killSignal, onDifference, ...said } = options;
  // A known answer took no time to tell of, and those of the older version are mostly known.
  const run = plainRun({ cache: 'bypass', ...runSaid });
  const call = checkBatchOptions(said);
  const tuning = batchTuning(library.options.batch, call);
  const input = await inputPlace(inputs, call.format, isOwn);
  const schema = (await library.get(before)).definition.inputSchema as Readonly<Record<string, unknown>>;
  await library.get(after);
  const source =
    input.kind === 'file'
      ? await ByteSource.ofFile(input.path)
      : ByteSource.ofStream(typeof inputs === 'string' ? createReadStream(inputs) : inputs);
  const items = new ItemReader({
    format: input.format,
    schema,
    bytesMax: tuning.itemBytesMax,
    index: 0,
    columns: undefined,
  });
  const frames = framesOf(input.format, { position: 0, lines: 0 }, tuning.itemBytesMax);
  const outputBytesMax = 4 * (run.outputBytesMax ?? library.options.run.outputBytesMax);
  const side = (reference: string, item: Item, aborted: AbortSignal): Promise<ItemResult> =>
    runItem({ library, reference, run, onError: call.onError ?? 'skip', outputBytesMax }, item, aborted);
  const runs = new OrderedRuns<Pair>({
    source: new InputReader(source, frames, items),
    // One after the other, so that neither is timed while it waits for the other; in turns, so that neither is
    // always the first.
    run: async (item, aborted) => {
      const isTurned = item.index % 2 === 1;
      const first = await side(isTurned ? after : before, item, aborted);
      const second = await side(isTurned ? before : after, item, aborted);
      return isTurned ? { before: second, after: first } : { before: first, after: second };
    },
    sizeOf: (pair) => pair.before.line.length + pair.after.line.length,
    concurrency: call.concurrency ?? library.options.workers.concurrency,
    windowMax: tuning.windowMax,
    windowBytesMax: tuning.windowBytesMax,
    itemsMax: call.itemsMax ?? Infinity,
    position: 0,
  });
  const stop = AbortSignal.any([signal, killSignal].filter((each) => each !== undefined));
  const kill = (): void => runs.kill(stop.reason as Error);
  stop.addEventListener('abort', kill);
  if (stop.aborted) kill();
  const tally = new Tally(before, after);
  try {
    for (;;) {
      const settled = await runs.next();
      if (!settled) break;
      for (const { item, result } of settled) {
        if (!tally.add(result))
          onDifference?.({
            index: item.index,
            line: item.line,
            before: sideOf(result.before),
            after: sideOf(result.after),
          });
      }
    }
    stop.throwIfAborted();
    return tally.report();
  } finally {
    stop.removeEventListener('abort', kill);
    runs.stop();
    await runs.ended();
    await source.close();
  }
}

class Tally {
  readonly #names: { before: string; after: string };
  readonly #sides = { before: { failed: 0, executed: 0, ms: 0 }, after: { failed: 0, executed: 0, ms: 0 } };
  #items = 0;
  #same = 0;

  constructor(before: string, after: string) {
    this.#names = { before, after };
  }

  /** Whether the two are the same. */
  add(pair: Pair): boolean {
    this.#items += 1;
    for (const name of ['before', 'after'] as const) {
      const side = this.#sides[name];
      if (pair[name].error) side.failed += 1;
      else if (!pair[name].cached) {
        side.executed += 1;
        side.ms += pair[name].durationMs;
      }
    }
    const isSame = pair.before.line === pair.after.line;
    if (isSame) this.#same += 1;
    return isSame;
  }

  report(): Comparison {
    const side = (name: 'before' | 'after'): SideReport => {
      const { failed, executed, ms } = this.#sides[name];
      const errorRate = this.#items === 0 ? 0 : failed / this.#items;
      return {
        skill: this.#names[name],
        failed,
        errorRate,
        executed,
        meanMs: executed === 0 ? 0 : ms / executed,
      };
    };
    const differing = this.#items - this.#same;
    return { items: this.#items, same: this.#same, differing, before: side('before'), after: side('after') };
  }
}

function sideOf({ output, error }: ItemResult): Side {
  return error ? { error } : { output };
}
