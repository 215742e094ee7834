/** Records of runs on their way to the disk: found as soon as the run ended. */
import type { RunRecord } from '../store.ts';
import type { GroupCommit } from './group-commit.ts';

export class RunRecords {
  readonly #writes: GroupCommit;
  /** By id. No map: an old table of one would hold what was in it long after, see `linked-list.ts`. */
  readonly #unwritten = { __proto__: null } as unknown as Record<string, RunRecord>;

  constructor(writes: GroupCommit) {
    this.#writes = writes;
  }

  /** Settles when it is on disk, which need not be waited for. */
  async record(run: RunRecord): Promise<void> {
    const { id, skill } = run;
    this.#unwritten[id] = run;
    try {
      await this.#writes.recordRun({ id, skill, record: JSON.stringify(run) });
    } finally {
      // oxlint-disable-next-line typescript/no-dynamic-delete -- it is a dictionary
      delete this.#unwritten[id];
    }
  }

  /** One that is not on disk yet. */
  get(id: string): RunRecord | undefined {
    return this.#unwritten[id];
  }
}
