/** The program of a connection's thread: opens the file, answers one request after the other. */
import { statSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { AbortedError, DatabaseConnectionError, toError } from '../../errors.ts';
import { commitGroup, type Write } from './commit.ts';
import { databaseError, errorToWire, type WireError } from './database-errors.ts';
import { checkStillThere, openReader, openWriter, type DatabaseFile } from './database-file.ts';
import { readOperations, type ReadOperations } from './read-operations.ts';
import { Statements } from './statements.ts';

export interface ThreadData {
  readonly role: 'reader' | 'writer';
  readonly file: DatabaseFile;
  readonly runsMax: number;
  readonly resultBytesMax: number;
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
  | { readonly id: number; readonly kind: 'close' };

/** Id 0 answers the opening itself. */
export type ThreadAnswer =
  | { readonly id: number; readonly ok: true; readonly value: unknown }
  | { readonly id: number; readonly ok: false; readonly error: WireError };

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

function open(): Statements | undefined {
  if (data.role === 'writer') return new Statements(openWriter(data.file));
  const database = openReader(data.file);
  if (database === undefined) return undefined;
  // In a statement it is asked once in many rows, and its throw ends the statement.
  database.function('keep_going', { deterministic: false, directOnly: true }, () => {
    keepGoing();
    return 1;
  });
  return new Statements(database);
}

answer(0, () => {
  const statements = open();
  if (statements === undefined) {
    throw new DatabaseConnectionError(`${path} has no tables: it was deleted or replaced`, {
      details: { path },
    });
  }
  const opened = statSync(data.file.path);
  const { runsMax, resultBytesMax } = data;
  port.on('message', (request: ThreadRequest) => {
    switch (request.kind) {
      case 'read':
        return answer(request.id, () =>
          readOperations[request.operation]({ statements, path, keepGoing }, request.given as never),
        );
      case 'commit':
        return answer(request.id, () => {
          checkStillThere(data.file, opened);
          return commitGroup({ statements, path, runsMax, resultBytesMax }, request.writes);
        });
      case 'close':
        answer(request.id, () => statements.database.close() && undefined);
        return port.close();
      default:
        throw new Error(`unreachable: ${String(request satisfies never)}`);
    }
  });
});
