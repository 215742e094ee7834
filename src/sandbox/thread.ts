/** What only threads need of Node: to load it takes a process milliseconds of its start. */
import type * as V8 from 'node:v8';
import type * as Threads from 'node:worker_threads';
import { THREAD_WORD } from './protocol.ts';

/** Whether this is a process. */
export const isProcess = process.argv[2] !== THREAD_WORD;

export const threads = (): typeof Threads => process.getBuiltinModule('node:worker_threads');

/** Also of a copy that draws random numbers. */
export const v8 = (): typeof V8 => process.getBuiltinModule('node:v8');
