import { expect, test } from 'vitest';
import { DatabaseCorruptError } from '../../src/errors.ts';
import { databaseError } from '../../src/store/sqlite/database-errors.ts';

test.each(['SQLITE_CONSTRAINT_FOREIGNKEY', 'SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT'])(
  '%s, which no operation of ours provokes, is told as damage of the file',
  (code) => {
    const error = databaseError(Object.assign(new Error('constraint failed'), { code }), '/a/skills.db');
    expect(error).toBeInstanceOf(DatabaseCorruptError);
    expect(error).toMatchObject({ details: { path: '/a/skills.db', sqliteCode: code } });
    expect(error.message).toContain('/a/skills.db is damaged (constraint failed)');
  },
);
