/** Every node of a tree, without recursion: a program may be nested as deeply as it parses. */
import type { Node } from '@babel/types';

/** Keys that hold no child nodes. */
const NOT_CHILDREN = new Set([
  'type',
  'start',
  'end',
  'loc',
  'range',
  'extra',
  'errors',
  'tokens',
  'comments',
]);

/** `root` and all nodes below it, parents first; `isLeaf` nodes are given, their children are not. */
export function* nodesOf(root: Node, isLeaf?: (node: Node) => boolean): Generator<Node> {
  const stack: Node[] = [root];
  for (let node = stack.pop(); node; node = stack.pop()) {
    yield node;
    if (isLeaf?.(node)) continue;
    for (const [key, value] of Object.entries(node)) {
      if (NOT_CHILDREN.has(key)) continue;
      if (Array.isArray(value)) {
        for (const item of value) if (isNode(item)) stack.push(item);
      } else if (isNode(value)) {
        stack.push(value);
      }
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
