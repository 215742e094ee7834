/** Workers and programs to measure with. */
import { buildTemplate } from '../../dist/inject/template.js';
import { planInjection } from '../../dist/inject/planner.js';
import { resolveOptions } from '../../dist/options.js';
import { encodeValue } from '../../dist/sandbox/codec.js';
import { Dispatcher } from '../../dist/workers/dispatch.js';

export const MIB = 1024 * 1024;
const LIMITS = { timeoutMs: 30_000, memoryBytesMax: 128 * MIB, outputBytesMax: 10 * MIB, logBytesMax: MIB };
export const ECHO = 'export default ({ text, n }) => ({ text, n: n + 1 });';
export const INPUTS = { text: 'x'.repeat(1_000), n: 1 };
export const DATA = encodeValue({ inputs: INPUTS, context: {}, parameters: {} });

let nth = 0;

/** Each is a version of its own. */
export function programOf(code) {
  const { plan, source } = planInjection(code);
  nth += 1;
  const unit = { ...buildTemplate(source, plan, 'skill:bench@1'), parameters: '{}', requires: {} };
  return { digest: `bench-${nth}`, units: [unit] };
}

export function dispatcher(workers) {
  return new Dispatcher({ workers: { ...resolveOptions({}).workers, ...workers }, require: 'permission' });
}

export function runOn(workers, program, data = DATA, limits = {}) {
  return workers.run({ program, data, limits: { ...LIMITS, ...limits } });
}

/** Waits until `count` unbound workers stand by. */
export async function standBy(workers, count, isFit = ({ skill }) => skill === undefined) {
  const ready = () => workers.stats().workers.filter((one) => !one.isBusy && isFit(one));
  while (ready().length < count) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Waits until `count` stand by; those on their way out, which have served, are none of them. */
export async function full(workers, count) {
  while (workers.stats().pool.idle < count) await new Promise((resolve) => setTimeout(resolve, 1));
}
