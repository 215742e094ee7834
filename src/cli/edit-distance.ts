/** Letters to insert, delete or change (Levenshtein); beyond `most` some number above it. */
export function editDistance(from: string, to: string, most: number): number {
  if (Math.abs(from.length - to.length) > most) return most + 1;
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (const [line, letter] of Array.from(from).entries()) {
    const next = [line + 1];
    for (let at = 0; at < to.length; at += 1) {
      const changed = (row[at] ?? 0) + (letter === to[at] ? 0 : 1);
      next.push(Math.min(changed, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? most + 1;
}

const DISTANCE_MAX = 3;

/** How far a word may be from the one that was meant. */
export function distanceMax(word: string): number {
  return Math.min(DISTANCE_MAX, Math.max(1, Math.floor(word.length / 3)));
}
