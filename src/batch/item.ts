/** One input: what a frame of bytes says, or why it says nothing. */
import { isUtf8 } from 'node:buffer';
import type { BatchFormat } from '../batch-options.ts';
import { InjectionError, toError } from '../errors.ts';
import { fieldsOf, inputsOf } from './csv-record.ts';
import type { Frame } from './frames.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Item {
  /** From 0, over all inputs of the batch. */
  readonly index: number;
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

  /** Undefined for a header. @throws {InjectionError} for a header that cannot be read. */
  read(frame: Frame): Item | undefined {
    const { end, lines } = frame;
    if (this.#format === 'csv' && !this.columns) {
      this.columns = this.#header(frame);
      return undefined;
    }
    const index = this.#index;
    this.#index += 1;
    try {
      return { index, inputs: this.#inputs(frame), end, lines };
    } catch (thrown) {
      return { index, problem: this.#problem(frame, index, thrown), end, lines };
    }
  }

  #header(frame: Frame): string[] {
    try {
      const columns = fieldsOf(this.#text(frame)).map((name) => name.trim());
      const twice = columns.find((name, at) => columns.indexOf(name) !== at);
      if (twice !== undefined) throw new Error(`two columns are named ${JSON.stringify(twice)}`);
      return columns;
    } catch (error) {
      const message = `the header of the CSV cannot be read: ${toError(error).message}`;
      throw new InjectionError('INVALID_INPUTS', message, { cause: error, details: { line: frame.line } });
    }
  }

  #inputs(frame: Frame): object {
    const text = this.#text(frame);
    if (this.#format !== 'csv') return JSON.parse(text) as object;
    const columns = this.columns ?? [];
    const fields = fieldsOf(text);
    if (fields.length === columns.length) return inputsOf(columns, fields, this.#schema);
    throw new Error(`it has ${fields.length} fields, the header ${columns.length}`);
  }

  #text({ bytes, problem }: Frame): string {
    if (problem !== undefined) throw new Error(problem);
    if (!bytes) throw new Error(`it is larger than ${this.#bytesMax} bytes`);
    if (!isUtf8(bytes)) throw new Error('it is not UTF-8');
    return bytes.toString('utf8');
  }

  #problem({ line }: Frame, index: number, thrown: unknown): InjectionError {
    const why = toError(thrown).message.slice(0, 300);
    const message = `input ${index + 1}, line ${line}, cannot be read: ${why}`;
    return new InjectionError('INVALID_INPUTS', message, { cause: thrown, details: { line } });
  }
}
