/** What follows from a capability report: whether results may be remembered, what was not declared. */
import type { CapabilityFlag } from './capability-flags.ts';
import type { CapabilityReport } from './capabilities.ts';

/** What may change a result, and how it is said. The flags that are absent cannot. */
const REASONS: Readonly<Partial<Record<CapabilityFlag, string>>> = {
  'child-process': 'starts processes',
  'dynamic-global': 'reaches globals by names that are not known',
  'dynamic-import': 'loads modules by names that are not known',
  env: 'reads the environment',
  'environment-dependent': 'depends on the locale or the time zone',
  eval: 'evaluates text as code',
  fs: 'reaches files',
  'function-ctor': 'makes functions out of text',
  'global-write': 'writes to globals',
  'module-state': 'keeps state between calls',
  native: 'loads native code',
  net: 'reaches the network',
  nondeterminism: 'reads a clock or randomness',
  process: 'reaches the process',
  'proto-write': 'writes to shared prototypes',
  'shared-memory': 'shares memory',
  vm: 'runs code in another context',
  wasm: 'runs WebAssembly',
  worker: 'starts threads',
};

export interface Purity {
  readonly decided: boolean;
  /** Why not, sentence by sentence; empty when pure. */
  readonly because: readonly string[];
}

/**
 * Pure: the same inputs give the same result. Names in `ignoreNames` are taken as pure (required
 * skills that are). What only costs time or memory (timers, endless loops, huge allocations, slow
 * regular expressions) does not make a result vary.
 */
export function decidePurity(
  report: CapabilityReport,
  options: { ignoreNames?: readonly string[] } = {},
): Purity {
  const because: string[] = [];
  const seen = new Set<CapabilityFlag>();
  for (const { flag, line, column } of report.flags) {
    const reason = REASONS[flag];
    if (reason === undefined || seen.has(flag)) continue;
    seen.add(flag);
    because.push(`${flag}: ${reason} (line ${line}, column ${column})`);
  }
  const ignored = new Set(options.ignoreNames);
  const unknown = report.freeNames.filter((name) => !ignored.has(name));
  if (unknown.length > 0)
    because.push(`undeclared-global: uses ${unknown.join(', ')}, which nothing declares`);
  return { decided: because.length === 0, because };
}

/** What `report` shows and `declared` does not name, with each place. */
export function undeclaredCapabilities(
  report: CapabilityReport,
  declared: readonly string[],
): CapabilityReport['flags'] {
  const known = new Set(declared);
  return report.flags.filter(({ flag }) => !known.has(flag));
}
