interface Inputs {
  before: string;
  after: string;
}

type Line = { kind: 'same' | 'added' | 'removed'; text: string };

const CHANGES_MAX = 4_000;
const lines = (text: string): string[] => (text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/));

/** Myers: for each number of changes, how far each diagonal reaches. */
function frontiers(old: readonly string[], now: readonly string[]): Map<number, number>[] {
  const reach = new Map([[1, 0]]);
  const history: Map<number, number>[] = [];
  for (let changes = 0; changes <= Math.min(old.length + now.length, CHANGES_MAX); changes += 1) {
    history.push(new Map(reach));
    for (let diagonal = -changes; diagonal <= changes; diagonal += 2) {
      const left = reach.get(diagonal - 1) ?? -1;
      const right = reach.get(diagonal + 1) ?? -1;
      const goesDown = diagonal === -changes || (diagonal !== changes && left < right);
      let x = goesDown ? right : left + 1;
      while (x < old.length && x - diagonal < now.length && old[x] === now[x - diagonal]) x += 1;
      reach.set(diagonal, x);
      if (x >= old.length && x - diagonal >= now.length) return history;
    }
  }
  throw new RangeError(`the texts differ in more than ${CHANGES_MAX} lines`);
}

export default function lineDiff({ before, after }: Inputs) {
  const old = lines(before);
  const now = lines(after);
  const history = frontiers(old, now);
  const script: Line[] = [];
  let x = old.length;
  let y = now.length;
  for (let changes = history.length - 1; changes >= 0; changes -= 1) {
    const reach = history[changes]!;
    const diagonal = x - y;
    const left = reach.get(diagonal - 1) ?? -1;
    const right = reach.get(diagonal + 1) ?? -1;
    const goesDown = diagonal === -changes || (diagonal !== changes && left < right);
    const fromX = goesDown ? right : left;
    const fromY = fromX - (goesDown ? diagonal + 1 : diagonal - 1);
    while (x > Math.max(fromX, 0) && y > Math.max(fromY, 0) && (goesDown ? x > fromX : x > fromX + 1)) {
      script.push({ kind: 'same', text: old[x - 1]! });
      x -= 1;
      y -= 1;
    }
    if (changes === 0) break;
    script.push(goesDown ? { kind: 'added', text: now[fromY]! } : { kind: 'removed', text: old[fromX]! });
    x = fromX;
    y = fromY;
  }
  script.reverse();
  const count = (kind: Line['kind']): number => script.filter((line) => line.kind === kind).length;
  return { added: count('added'), removed: count('removed'), lines: script };
}
