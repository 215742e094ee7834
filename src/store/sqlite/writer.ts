/** The one writing connection: opened at the first write, and again after its thread was lost. */
import type { Outcome, Write } from './commit.ts';
import { Connection } from './connection.ts';
import type { DatabaseFile } from './database-file.ts';
import type { StoreLimits } from './retention.ts';

export class Writer {
  readonly #file: DatabaseFile;
  readonly #limits: StoreLimits;
  #connection: Promise<Connection> | undefined;

  constructor(file: DatabaseFile, limits: StoreLimits) {
    this.#file = file;
    this.#limits = limits;
  }

  /** Creates or migrates the file. */
  async open(): Promise<void> {
    await this.#open();
  }

  async commit(writes: readonly Write[]): Promise<Outcome[]> {
    const connection = await this.#open();
    return connection.commit(writes);
  }

  async close(): Promise<void> {
    const connection = await this.#connection?.catch(() => {
      // An opening that failed left nothing to close.
    });
    await connection?.close();
  }

  async #open(): Promise<Connection> {
    const known = await this.#connection;
    if (known !== undefined && !known.isBroken) return known;
    const opening = Connection.open({ role: 'writer', file: this.#file, limits: this.#limits });
    this.#connection = opening;
    try {
      return await opening;
    } catch (error) {
      this.#connection = undefined;
      throw error;
    }
  }
}
