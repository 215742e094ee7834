// What many sandboxes do: a node:vm context with host functions put into it. Runs every attack against it.
import vm from 'node:vm';

const attacks = JSON.parse(process.env.ATTACKS);
const results = {};
for (const { name, code } of attacks) {
  const globals = {
    console: {
      log: (...args) =>
        void String(
          args.map((a) => {
            try {
              return inspect(a);
            } catch {
              return '';
            }
          }),
        ),
    },
    setTimeout,
    clearTimeout,
    queueMicrotask,
    structuredClone,
    TextEncoder,
    TextDecoder,
    URL,
    URLSearchParams,
    atob,
    btoa,
    crypto,
    AbortController,
    performance,
  };
  const context = vm.createContext(globals);
  try {
    const run = vm.runInContext(
      `"use strict"; ${process.env.PRELUDE}; (function (inputs, context) { ${code} })`,
      context,
      { filename: '/dist/sandbox/x.js' },
    );
    results[name] = String(await run({ list: [1], date: new Date(0) }, {}));
  } catch (error) {
    results[name] = String(error);
  }
}
process.stdout.write(JSON.stringify(results));
process.exit(0);

function inspect(value) {
  const hook = value?.[Symbol.for('nodejs.util.inspect.custom')];
  return typeof hook === 'function' ? hook.call(value, 0, {}, inspect) : String(value);
}
