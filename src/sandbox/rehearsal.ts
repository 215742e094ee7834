/** Runs before the first: what the engine compiles at first use is compiled ahead. */
import { compileProgram } from './compiled-program.ts';
import type { Frame, Program } from './protocol.ts';
import { Realm } from './realm.ts';

const SOURCE = `(function ($s) { return function () { "use strict";
const run = (inputs) => { console.log('ready'); return { list: inputs.list, sum: inputs.list.length }; };
return [{ kind: 'default', value: run }]; } })`;

const REHEARSED_RUNS = 3;
const UNIT = { fileName: 'skill:rehearsal', source: SOURCE, holes: ['list'], links: [], shifts: [] };
const PROGRAM: Program = { digest: '', units: [{ ...UNIT, parameters: '{}', requires: {} }] };
const HEADER = { outputBytesMax: 1_000, logBytesMax: 1_000 };
const DATA = '{"inputs":{"list":[1,"a\\"b",true,null]},"context":{"n":1.5},"parameters":{"p":{}}}';

/** A run at once, by itself. */
export function rehearse(): void {
  const realm = new Realm();
  realm.load(compileProgram(PROGRAM));
  const answers: string[] = [];
  realm.run(HEADER, DATA, {
    succeed: (output) => answers.push(output),
    fail: (outcome) => answers.push(outcome),
    log: (text) => answers.push(text),
    ask: () => true,
    withhold: () => {},
    turned: () => {},
  });
  if (answers.length !== 2) throw new Error(`the rehearsal failed: ${answers.join(' ')}`);
}

/**
 * What a parent would send for a few runs, for a copy to take the whole way before its first task. It writes to what it
 * shares with the others, which the kernel copies page by page, and what is compiled at first use is compiled: its first
 * run takes a third of the processor time.
 */
export function rehearsalFrames(): Frame[] {
  const bind: Frame = { kind: 'bind', task: 0, payload: Buffer.from(JSON.stringify(PROGRAM)) };
  const run: Frame = { kind: 'run', task: 0, payload: Buffer.from(`${JSON.stringify(HEADER)}\n${DATA}`) };
  return [bind, ...Array.from({ length: REHEARSED_RUNS }, () => run)];
}
