/** How far inputs, output and counts belong together, and how that gets onto the disk. */
import { BatchRefusedError } from '../errors.ts';
import type { SkillLibrary } from '../library.ts';
import type { ByteSource } from './byte-source.ts';
import { saveCheckpoint, type BatchCounts, type BatchState, type Checkpoint } from './checkpoint.ts';
import type { InputReader } from './input-reader.ts';
import type { Item } from './item.ts';
import type { ItemResult } from './item-run.ts';
import { digestOf, jobText, type BatchJob } from './job.ts';
import type { OutputFile } from './output-file.ts';

export interface LedgerParts {
  readonly job: BatchJob;
  /** Path of the batch's files, without their endings. */
  readonly base: string;
  readonly checkpoint: Checkpoint | undefined;
  readonly source: ByteSource;
  readonly reader: InputReader;
  readonly output: OutputFile;
}

export class Ledger {
  readonly #parts: LedgerParts;
  readonly #counters: SkillLibrary['batches'];
  readonly #jobDigest: string;
  readonly #startMs = performance.now();
  readonly #counts: { done: number; failed: number; cached: number };
  #position: number;
  #lines: number;
  #sequence: number;
  #outputBytes: number;
  #uncommitted = 0;
  #committedMs = performance.now();

  constructor(parts: LedgerParts, counters: SkillLibrary['batches']) {
    const { job, checkpoint } = parts;
    this.#parts = parts;
    this.#counters = counters;
    this.#jobDigest = digestOf(jobText(job));
    const { done = 0, failed = 0, cached = 0 } = checkpoint?.counts ?? {};
    this.#counts = { done, failed, cached };
    this.#position = checkpoint?.input.position ?? 0;
    this.#lines = checkpoint?.input.lines ?? 0;
    this.#sequence = (checkpoint?.sequence ?? -1) + 1;
    this.#outputBytes = checkpoint?.output.bytes ?? 0;
  }

  get counts(): BatchCounts {
    return this.#counts;
  }

  /** Behind the last input whose line is appended. */
  get position(): number {
    return this.#position;
  }

  /** Items that no checkpoint tells of yet. */
  get uncommitted(): number {
    return this.#uncommitted;
  }

  get workedMs(): number {
    return (this.#parts.checkpoint?.workedMs ?? 0) + performance.now() - this.#startMs;
  }

  /** Since the last checkpoint. */
  get chunkMs(): number {
    return performance.now() - this.#committedMs;
  }

  add(item: Item, result: ItemResult): void {
    this.#parts.output.append(result.line);
    this.#counts.done += 1;
    if (result.error) this.#counts.failed += 1;
    if (result.cached) this.#counts.cached += 1;
    this.#position = item.end;
    this.#lines = item.lines;
    this.#uncommitted += 1;
  }

  /**
   * The output first: a checkpoint never tells of what is not there. Nothing may be added until it resolves.
   * @throws {OutputUnwritableError}; {BatchRefusedError} where the inputs were changed under way.
   */
  async commit(state: BatchState): Promise<void> {
    const { job, source, reader, output, base } = this.#parts;
    const startMs = performance.now();
    await this.#checkInputs();
    const written = await output.sync();
    const { bytes, modifiedAtMs } = job.input;
    await saveCheckpoint(base, {
      batch: job.id,
      job: this.#jobDigest,
      digest: job.skill.digest,
      sequence: this.#sequence,
      state,
      input: {
        position: this.#position,
        lines: this.#lines,
        // Of all that was read so far, which is more than what is in the output.
        ...source.hashed(),
        ...(bytes !== undefined && { bytes }),
        ...(modifiedAtMs !== undefined && { modifiedAtMs }),
        ...(reader.columns && { columns: reader.columns }),
      },
      output: written,
      counts: { ...this.#counts },
      workedMs: this.workedMs,
      savedAtMs: Date.now(),
    });
    this.#counters.checkpoint(performance.now() - startMs, written.bytes - this.#outputBytes);
    this.#outputBytes = written.bytes;
    this.#sequence += 1;
    this.#uncommitted = 0;
    this.#committedMs = performance.now();
  }

  async #checkInputs(): Promise<void> {
    const { input } = this.#parts.job;
    const found = await this.#parts.source.identity();
    if (!found || (found.bytes === input.bytes && found.modifiedAtMs === input.modifiedAtMs)) return;
    const message = `${input.path} was changed while it was read: it had ${input.bytes} bytes, and has ${found.bytes}`;
    throw new BatchRefusedError(message, { details: { path: input.path } });
  }
}
