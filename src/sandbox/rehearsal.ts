/** One run before the first: what the engine compiles at first use is compiled ahead. */
import { compileProgram } from './compiled-program.ts';
import { Realm } from './realm.ts';

const SOURCE = `(function ($s) { return function () { "use strict";
const run = (inputs) => { console.log('ready'); return { list: inputs.list, sum: inputs.list.length }; };
return [{ kind: 'default', value: run }]; } })`;

export function rehearse(): void {
  const unit = { fileName: 'skill:rehearsal', source: SOURCE, holes: ['list'], links: [], shifts: [] };
  const program = compileProgram({ digest: '', units: [{ ...unit, parameters: '{}', requires: {} }] });
  const realm = new Realm();
  realm.load(program);
  const header = { outputBytesMax: 1_000, logBytesMax: 1_000 };
  const data = '{"inputs":{"list":[1,"a\\"b",true,null]},"context":{"n":1.5},"parameters":{"p":{}}}';
  const answers: string[] = [];
  realm.run(header, data, {
    succeed: (output) => answers.push(output),
    fail: (outcome) => answers.push(outcome),
    log: (text) => answers.push(text),
    ask: () => true,
    withhold: () => {},
    turned: () => {},
  });
  if (answers.length !== 2) throw new Error(`the rehearsal failed: ${answers.join(' ')}`);
}
