/** The program of a connection's thread: opens the file, answers one request after the other. */
import { existsSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { AbortedError, DatabaseConnectionError, toError } from '../../errors.ts';
import { backup, type BackupProgress } from './backup.ts';
import { type CommitMark, removeMark, writeMark } from './commit-mark.ts';
import { commitGroup, type Write } from './commit.ts';
import { databaseError, errorToWire, type WireError } from './database-errors.ts';
import { expectStillThere, identify, openReader, openWriter, type DatabaseFile } from './database-file.ts';
import { readOperations, type ReadOperations } from './read-operations.ts';
import { resetConnection } from './reset.ts';
import { Statements } from './statements.ts';
import type { StoreLimits } from './retention.ts';
import { NO_CHANGES, type WriteContext } from './write-operations.ts';

export interface ThreadData {
  readonly role: 'reader' | 'writer';
  readonly file: DatabaseFile;
  readonly limits: StoreLimits;
  /** Holds the id of the request that nobody wants any longer. */
  readonly cancelled: Int32Array;
}

export type ThreadRequest =
  | {
      readonly id: number;
      readonly kind: 'read';
      readonly operation: keyof ReadOperations;
      readonly given: unknown;
    }
  | { readonly id: number; readonly kind: 'commit'; readonly writes: readonly Write[] }
  | { readonly id: number; readonly kind: 'backup'; readonly to: string }
  | { readonly id: number; readonly kind: 'close' };

/** Id 0 answers the opening itself; progress comes before an answer. */
export type ThreadAnswer =
  | { readonly id: number; readonly progress: BackupProgress }
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: WireError };

/** Added to the nice value of a reader's thread: of a core that both want it gets half of what the main thread gets. */
const READER_NICE = 3;

if (parentPort === null) throw new Error('connection-thread.js is the program of a worker thread');
const port = parentPort;
const data = workerData as ThreadData;
const path = data.file.shownPath;
let currentId = 0;

const send = (answer: ThreadAnswer) => port.postMessage(answer);

function keepGoing(): void {
  if (Atomics.load(data.cancelled, 0) === currentId) throw new AbortedError('the caller no longer waits');
}

function answer(id: number, work: () => unknown): void {
  currentId = id;
  try {
    send({ id, ok: true, value: work() });
  } catch (error) {
    send({ id, ok: false, error: errorToWire(databaseError(toError(error), path)) });
  }
}

async function answerLater(id: number, work: () => Promise<unknown>): Promise<void> {
  currentId = id;
  try {
    send({ id, ok: true, value: await work() });
  } catch (error) {
    send({ id, ok: false, error: errorToWire(databaseError(toError(error), path)) });
  }
}

// In a turn of its own, so that the answer has left: the thread ends, and the pool replaces the connection.
function reset(statements: Statements): void {
  try {
    resetConnection(statements);
  } catch (error) {
    setImmediate(() => {
      throw error;
    });
  }
}

// Where cores are few, whoever searches and exports leaves them first to those who wait for less: the event loop above
// all. Only Linux has this for a thread; elsewhere the whole process would step back.
function stepBack(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(Math.min(constants.priority.PRIORITY_LOW, getPriority() + READER_NICE));
  } catch {
    // Not permitted here: it stays as it is.
  }
}

function open(): Statements | undefined {
  if (data.role === 'writer') return new Statements(openWriter(data.file));
  stepBack();
  const database = openReader(data.file);
  if (database === undefined) return undefined;
  // In a statement it is asked once in many rows, and its throw ends the statement.
  database.function('keep_going', { deterministic: false, directOnly: true }, () => {
    keepGoing();
    return 1;
  });
  return new Statements(database);
}

// The last to close leaves no log, and without a log there is nothing for a mark to guard.
function close({ database }: Statements, isMarked: boolean): void {
  database.close();
  if (isMarked && !existsSync(`${data.file.path}-wal`)) removeMark(path);
}

answer(0, () => {
  const statements = open();
  if (statements === undefined) {
    throw new DatabaseConnectionError(`${path} has no tables: it was deleted or replaced`, {
      details: { path },
    });
  }
  const opened = data.role === 'writer' ? identify(data.file) : undefined;
  const isMarked = data.file.mode === 'durable';
  let acknowledged: CommitMark | undefined;
  const context: WriteContext = {
    statements,
    path,
    limits: data.limits,
    unowned: new Set(),
    changed: NO_CHANGES,
    acknowledged: () => acknowledged,
    committed(mark) {
      acknowledged = mark;
      if (isMarked) writeMark(path, mark);
    },
  };
  port.on('message', (request: ThreadRequest) => {
    switch (request.kind) {
      case 'read':
        answer(request.id, () =>
          readOperations[request.operation]({ statements, path, keepGoing }, request.given as never),
        );
        return reset(statements);
      case 'commit':
        return answer(request.id, () => {
          if (opened !== undefined) expectStillThere(data.file, opened);
          return commitGroup(context, request.writes);
        });
      case 'backup':
        return void answerLater(request.id, () =>
          backup(statements.database, request.to, (progress) => {
            keepGoing();
            send({ id: request.id, progress });
          }),
        ).then(() => reset(statements));
      case 'close':
        answer(request.id, () => close(statements, data.role === 'writer' && isMarked));
        return port.close();
      default:
        throw new Error(`unreachable: ${String(request satisfies never)}`);
    }
  });
});
