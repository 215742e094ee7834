/** How much memory a call asks for at once, where the size is a constant. */
import type { Node } from '@babel/types';
import type { Inspection } from './capabilities.ts';
import type { Call } from './call-values.ts';
import type { CallNode } from './value.ts';

/** From here on an allocation is huge: a quarter of a skill's default memory. */
export const BYTES_MAX = 32 * 1024 * 1024;

/** Bytes an element takes, by what allocates it. */
const ELEMENT_BYTES: ReadonlyMap<string, number> = new Map([
  ['Array', 8],
  ['Array.from', 8],
  ['ArrayBuffer', 1],
  ['SharedArrayBuffer', 1],
  ['Buffer', 1],
  ['Buffer.alloc', 1],
  ['Buffer.allocUnsafe', 1],
  ['Buffer.allocUnsafeSlow', 1],
  ['Int8Array', 1],
  ['Uint8Array', 1],
  ['Uint8ClampedArray', 1],
  ['Int16Array', 2],
  ['Uint16Array', 2],
  ['Float16Array', 2],
  ['Int32Array', 4],
  ['Uint32Array', 4],
  ['Float32Array', 4],
  ['Float64Array', 8],
  ['BigInt64Array', 8],
  ['BigUint64Array', 8],
]);

/** The bytes that a call of a built-in allocates; undefined where the source does not say. */
export function allocatedBytes(inspection: Inspection, node: CallNode, call: Call): number | undefined {
  const { values } = inspection;
  const [first] = call.args ?? [];
  if (call.callee.kind === 'builtin') {
    const bytes = ELEMENT_BYTES.get(call.callee.path);
    const isOne = call.callee.path !== 'Array' || call.args?.length === 1;
    const count = isOne ? countOf(inspection, first, call.callee.path === 'Array.from') : undefined;
    if (bytes !== undefined) return count === undefined ? undefined : count * bytes;
    if (call.callee.path === 'WebAssembly.Memory') return memoryBytes(inspection, first);
  }
  const method = values.keyOf(node.callee);
  if (method !== 'repeat' && method !== 'padStart' && method !== 'padEnd') return undefined;
  const count = numberOf(inspection, first);
  if (count === undefined || method !== 'repeat') return count;
  const text = 'object' in node.callee ? values.textOf(node.callee.object) : undefined;
  return count * (text?.length ?? 1);
}

function countOf(inspection: Inspection, node: Node | undefined, isFrom: boolean): number | undefined {
  if (node === undefined) return undefined;
  if (!isFrom) return numberOf(inspection, node);
  const { values } = inspection;
  const length = values.member(values.of(node), 'length');
  return length.kind === 'constant' && typeof length.value === 'number' ? length.value : undefined;
}

/** `new WebAssembly.Memory({ initial })`, in pages of 64 KiB. */
function memoryBytes(inspection: Inspection, node: Node | undefined): number | undefined {
  if (node === undefined) return undefined;
  const { values } = inspection;
  const pages = values.member(values.of(node), 'initial');
  return pages.kind === 'constant' && typeof pages.value === 'number' ? pages.value * 65_536 : undefined;
}

function numberOf({ values }: Inspection, node: Node | undefined): number | undefined {
  const value = values.constantOf(node)?.value;
  return typeof value === 'number' ? value : undefined;
}
