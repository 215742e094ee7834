interface Edge {
  from: string;
  to: string;
  cost: number;
}

interface Inputs {
  edges: Edge[];
  from: string;
  to: string;
  directed?: boolean;
}

type Entry = { node: string; cost: number };

/** A binary heap: the cheapest entry first. */
class Frontier {
  #entries: Entry[] = [];

  push(entry: Entry): void {
    const entries = this.#entries;
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (entries[above]!.cost <= entry.cost) break;
      entries[at] = entries[above]!;
      at = above;
    }
    entries[at] = entry;
  }

  pop(): Entry | undefined {
    const entries = this.#entries;
    const cheapest = entries[0];
    const last = entries.pop();
    if (last === undefined || entries.length === 0) return cheapest;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= entries.length) break;
      if (below + 1 < entries.length && entries[below + 1]!.cost < entries[below]!.cost) below += 1;
      if (entries[below]!.cost >= last.cost) break;
      entries[at] = entries[below]!;
      at = below;
    }
    entries[at] = last;
    return cheapest;
  }
}

function neighbours(edges: readonly Edge[], directed: boolean): Map<string, Entry[]> {
  const graph = new Map<string, Entry[]>();
  const connect = (from: string, to: string, cost: number): void => {
    const list = graph.get(from) ?? [];
    list.push({ node: to, cost });
    graph.set(from, list);
  };
  edges.forEach(({ from, to, cost }, index) => {
    if (!(cost >= 0)) throw new RangeError(`edges[${index}] has the cost ${cost}; it must be 0 or more`);
    connect(from, to, cost);
    if (!directed) connect(to, from, cost);
  });
  return graph;
}

export default function shortestPath({ edges, from, to, directed = true }: Inputs) {
  const graph = neighbours(edges, directed);
  const costs = new Map([[from, 0]]);
  const cameFrom = new Map<string, string>();
  const done = new Set<string>();
  const frontier = new Frontier();
  frontier.push({ node: from, cost: 0 });
  for (let next = frontier.pop(); next !== undefined; next = frontier.pop()) {
    if (done.has(next.node)) continue;
    if (next.node === to) break;
    done.add(next.node);
    for (const { node, cost } of graph.get(next.node) ?? []) {
      const total = next.cost + cost;
      if (total >= (costs.get(node) ?? Infinity)) continue;
      costs.set(node, total);
      cameFrom.set(node, next.node);
      frontier.push({ node, cost: total });
    }
  }
  const cost = costs.get(to);
  if (cost === undefined) return { cost: null, path: [] };
  const path = [to];
  for (let node = cameFrom.get(to); node !== undefined; node = cameFrom.get(node)) path.push(node);
  return { cost, path: path.toReversed() };
}
