/** What a killed writer had told, and whether a library keeps it. */
import type { Store } from '../../src/store/store.ts';
import { checkDatabase } from '../../src/store/sqlite/check.ts';
import { openReader } from '../../src/store/sqlite/database-file.ts';
import { Statements } from '../../src/store/sqlite/statements.ts';
import { skillVersion } from './records.ts';

export interface Line {
  readonly name: string;
  /** The code that is current when the step is done; null where the skill is removed. */
  readonly intent?: string | null;
  readonly acknowledged?: string | null;
  readonly version?: number;
}

/** Of each name, what it must be: as last acknowledged, or as intended since. */
export class Promises {
  readonly #possible = new Map<string, (string | null)[]>();
  acknowledged = 0;

  hear({ name, intent, acknowledged }: Line): void {
    if (intent !== undefined) this.#possible.set(name, [this.#possible.get(name)?.at(-1) ?? null, intent]);
    if (acknowledged === undefined) return;
    this.#possible.set(name, [acknowledged]);
    this.acknowledged += 1;
  }

  /** A line for each name that is neither. */
  async broken(store: Store): Promise<string[]> {
    const broken: string[] = [];
    for (const [name, possible] of this.#possible) {
      const found = (await store.load(name))?.definition.code ?? null;
      if (!possible.includes(found)) broken.push(`${name} is ${found}, not ${possible.join(' or ')}`);
    }
    return broken;
  }
}

/** All that `check({ deep: true })` finds, without the thread it takes; of the names alone, the index agrees too. */
export function problemsOf(path: string): string[] {
  const file = { path, shownPath: path, mode: 'durable', busyTimeoutMs: 1_000 } as const;
  const database = openReader(file);
  if (database === undefined) return [];
  try {
    const statements = new Statements(database);
    const { problems } = checkDatabase({ statements, path, keepGoing: () => undefined }, true);
    return [...problems, ...indexProblems(statements)];
  } finally {
    database.close();
  }
}

// The description is `about NAME`: a skill is found by its name and code by no other entry.
function indexProblems(statements: Statements): string[] {
  const wrong = statements.all<{ name: string }>(
    `SELECT s.name FROM skills s WHERE NOT EXISTS (
       SELECT 1 FROM skill_index WHERE skill_index MATCH '"' || replace(s.name, '-', '') || '"' AND rowid = s.id)`,
  );
  return wrong.map(({ name }) => `search does not find ${name}`);
}

/** The child's version of a skill: it fills in NAME and CODE. */
export const TEMPLATE = {
  ...skillVersion({ name: 'NAME', code: 'CODE', description: 'about NAME' }),
  digest: '',
};
