/** Records of runs on their way to the disk: found as soon as the run ended. */
import type { RunRecord } from '../store.ts';
import type { GroupCommit } from './group-commit.ts';

export class RunRecords {
  readonly #writes: GroupCommit;
  readonly #unwritten = new Map<string, RunRecord>();

  constructor(writes: GroupCommit) {
    this.#writes = writes;
  }

  /** Settles when it is on disk, which need not be waited for. */
  async record(run: RunRecord): Promise<void> {
    const { id, skill } = run;
    this.#unwritten.set(id, run);
    try {
      await this.#writes.recordRun({ id, skill, record: JSON.stringify(run) });
    } finally {
      this.#unwritten.delete(id);
    }
  }

  /** One that is not on disk yet. */
  get(id: string): RunRecord | undefined {
    return this.#unwritten.get(id);
  }
}
