/** A task under way in a worker, and what it has told so far. */
import { WITHHELD_MAX, type TaskHeader } from '../sandbox/protocol.ts';
import type { Asks } from './asks.ts';
import { ProtocolError } from './frame-reader.ts';
import type { LogKeeper } from './log-keeper.ts';
import type { TaskEnd } from './task.ts';

const WITHHELD_BYTES_MAX = 100;

export interface Running {
  readonly id: number;
  readonly header: TaskHeader;
  readonly logs: LogKeeper;
  readonly asks: Asks;
  /** What it tried and goes without. */
  readonly withheld: string[];
  readonly settle: (end: TaskEnd) => void;
}

/** What a run told until its end, however it ended. */
export function toldBy({ logs, withheld }: Running): Pick<TaskEnd, 'logs' | 'logsCut' | 'withheld'> {
  return { logs: logs.text, logsCut: logs.isCut, withheld };
}

/** @throws {ProtocolError} for more, or longer, names than an honest child tells. */
export function noteWithheld(known: string[], payload: Buffer): void {
  if (known.length >= WITHHELD_MAX || payload.length > WITHHELD_BYTES_MAX)
    throw new ProtocolError('too much is told to be withheld');
  known.push(payload.toString('utf8'));
}
