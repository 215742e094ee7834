/** One input: what a frame of bytes says, or why it says nothing. */
import { isUtf8 } from 'node:buffer';
import type { BatchFormat } from '../batch-options.ts';
import { InjectionError, InputsBrokenError, toError } from '../errors.ts';
import { counted } from './counted.ts';
import { fieldsOf, inputsOf } from './csv-record.ts';
import type { Frame } from './frames.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Item {
  /** From 0, over all inputs of the batch. */
  readonly index: number;
  /** Where it begins, from 1. */
  readonly line: number;
  /** Present unless `problem` is. */
  readonly inputs?: object;
  readonly problem?: InjectionError;
  /** Where reading goes on behind it. */
  readonly end: number;
  readonly lines: number;
}

/** Reads frames in their order; the first record of a CSV is its header. */
export class ItemReader {
  readonly #format: BatchFormat;
  readonly #schema: JsonSchema | undefined;
  readonly #bytesMax: number;
  #index: number;
  columns: readonly string[] | undefined;

  constructor(options: {
    format: BatchFormat;
    schema: JsonSchema | undefined;
    bytesMax: number;
    index: number;
    columns: readonly string[] | undefined;
  }) {
    this.#format = options.format;
    this.#schema = options.schema;
    this.#bytesMax = options.bytesMax;
    this.#index = options.index;
    this.columns = options.columns;
  }

  /** Undefined for a header. @throws {InputsBrokenError} where there may be items that cannot be told apart. */
  read(frame: Frame): Item | undefined {
    const { end, line, lines, problem } = frame;
    if (problem !== undefined) throw broken(line, problem);
    if (this.#format === 'csv' && !this.columns) {
      this.columns = this.#header(frame);
      return undefined;
    }
    const index = this.#index;
    this.#index += 1;
    try {
      return { index, line, inputs: this.#inputs(frame), end, lines };
    } catch (thrown) {
      return { index, line, problem: problemOf(line, thrown), end, lines };
    }
  }

  /** There are no more frames. @throws {InputsBrokenError} where that is too early. */
  end(): void {
    if (this.#format === 'csv' && !this.columns)
      throw broken(1, 'a CSV begins with a header, and there is none');
  }

  #header(frame: Frame): string[] {
    try {
      const columns = fieldsOf(this.#text(frame)).map((name) => name.trim());
      const twice = columns.find((name, at) => columns.indexOf(name) !== at);
      if (twice !== undefined) throw new Error(`two columns are named ${JSON.stringify(twice)}`);
      return columns;
    } catch (error) {
      throw broken(frame.line, `the header of the CSV: ${toError(error).message}`, error);
    }
  }

  #inputs(frame: Frame): object {
    const text = this.#text(frame);
    if (this.#format !== 'csv') return JSON.parse(text) as object;
    const columns = this.columns ?? [];
    const fields = fieldsOf(text);
    if (fields.length === columns.length) return inputsOf(columns, fields, this.#schema);
    throw new Error(`it has ${counted(fields.length, 'field')}, the header ${columns.length}`);
  }

  #text({ bytes }: Frame): string {
    if (!bytes) throw new Error(`it is larger than ${this.#bytesMax} bytes`);
    if (!isUtf8(bytes)) throw new Error('it is not UTF-8');
    return bytes.toString('utf8');
  }
}

function problemOf(line: number, thrown: unknown): InjectionError {
  const message = `line ${line} cannot be read: ${toError(thrown).message.slice(0, 300)}`;
  return new InjectionError('INVALID_INPUTS', message, { cause: thrown, details: { line } });
}

function broken(line: number, why: string, cause?: unknown): InputsBrokenError {
  const message = `the inputs cannot be read from line ${line} on: ${why}`;
  return new InputsBrokenError(message, { cause, details: { line } });
}
