/** The two streams: data goes to stdout, everything else to stderr. */
import { paintFor, type Paint } from './paint.ts';
import { cutTo, plainText } from './plain-text.ts';
import { table, type Column } from './table.ts';
import { valueText } from '../value-text.ts';

export interface Stream {
  write(text: string): boolean;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface OutputOptions {
  stdout: Stream;
  stderr: Stream;
  env: NodeJS.ProcessEnv;
  json: boolean;
  quiet: boolean;
  /** Progress is for what takes longer. Default 1000. */
  progressAfterMs?: number;
}

const PROGRESS_EVERY_MS = 250;

export class Output {
  readonly json: boolean;
  /** For what is written on stdout. */
  readonly paint: Paint;
  /** For what is written on stderr. */
  readonly paintNotes: Paint;
  readonly #stdout: Stream;
  readonly #stderr: Stream;
  readonly #quiet: boolean;
  readonly #showsProgress: boolean;
  readonly #progressFromMs: number;
  #progress = '';

  constructor({ stdout, stderr, env, json, quiet, progressAfterMs = 1_000 }: OutputOptions) {
    this.#stdout = stdout;
    this.#stderr = stderr;
    this.json = json;
    this.#quiet = quiet;
    this.paint = paintFor(stdout.isTTY === true, env);
    this.paintNotes = paintFor(stderr.isTTY === true, env);
    this.#progressFromMs = performance.now() + progressAfterMs;
    this.#showsProgress = stderr.isTTY === true && env['TERM'] !== 'dumb' && !quiet;
  }

  /** The one answer of a command: `document` under `--json`, else the text, made when it is needed. */
  answer(document: unknown, text: () => string): void {
    if (this.json) this.value(document);
    else this.text(text());
  }

  /** A value as JSON: indented on a terminal, one line elsewhere. */
  value(value: unknown): void {
    const isTerminal = this.#stdout.isTTY === true;
    this.data(`${valueText(value, { pretty: isTerminal })}\n`);
  }

  /** Lines for a person, with a newline at the end; nothing for an empty text. */
  text(text: string): void {
    if (text !== '') this.data(text.endsWith('\n') ? text : `${text}\n`);
  }

  /** To stdout as it is. */
  data(text: string): void {
    this.#eraseProgress();
    this.#stdout.write(text);
  }

  /** Source text: byte for byte into a file or a pipe, harmless on a terminal. */
  source(text: string): void {
    if (this.#stdout.isTTY === true) this.text(plainText(text));
    else this.data(text);
  }

  table(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
    const width = this.#stdout.isTTY === true ? Math.max(40, this.#stdout.columns || 80) : undefined;
    return table(columns, rows, { width, paint: this.paint });
  }

  /** Said in passing; not with `--quiet`. */
  note(text: string): void {
    this.#say(plainText(text));
  }

  warn(text: string): void {
    this.#say(`${this.paintNotes('yellow', 'warning')}: ${plainText(text)}`);
  }

  /** Why the command failed; said in any case. */
  error(text: string): void {
    this.#toStderr(`${text}\n`);
  }

  /** One line that the next one replaces; on a terminal only. */
  progress(text: string): void {
    if (!this.#showsProgress || performance.now() < this.#progressFromMs) return;
    const line = cutTo(plainText(text), Math.max(20, (this.#stderr.columns || 80) - 1));
    this.#stderr.write(`\r\u001b[2K${line}`);
    this.#progress = line;
  }

  /** Waits for `work`; what takes longer than a second is shown with the seconds it has taken. */
  async waitFor<T>(label: string, work: Promise<T>): Promise<T> {
    if (!this.#showsProgress) return work;
    const startedAt = performance.now();
    const tick = setInterval(() => {
      this.progress(`${label} … ${Math.floor((performance.now() - startedAt) / 1_000)} s`);
    }, PROGRESS_EVERY_MS);
    try {
      return await work;
    } finally {
      clearInterval(tick);
      this.#eraseProgress();
    }
  }

  #say(text: string): void {
    if (!this.#quiet) this.#toStderr(`${text}\n`);
  }

  #toStderr(text: string): void {
    this.#eraseProgress();
    this.#stderr.write(text);
  }

  #eraseProgress(): void {
    if (this.#progress === '') return;
    this.#stderr.write('\r\u001b[2K');
    this.#progress = '';
  }
}
