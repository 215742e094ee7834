interface Inputs {
  query: string;
  candidates: string[];
  limit?: number;
  minSimilarity?: number;
}

const plain = (text: string): string[] => [
  ...text
    .normalize('NFKD')
    .replace(/\p{Mark}+/gu, '')
    .toLowerCase()
    .trim(),
];

/** Optimal string alignment distance, three rows at a time. */
function distance(left: readonly string[], right: readonly string[]): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const isSame = left[row - 1] === right[column - 1];
      let best = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (isSame ? 0 : 1));
      if (
        row > 1 &&
        column > 1 &&
        left[row - 1] === right[column - 2] &&
        left[row - 2] === right[column - 1]
      ) {
        best = Math.min(best, beforeLast[column - 2]! + 1);
      }
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length]!;
}

export default function fuzzyMatch({ query, candidates, limit = 5, minSimilarity = 0.5 }: Inputs) {
  const wanted = plain(query);
  return candidates
    .map((candidate, index) => {
      const letters = plain(candidate);
      const longest = Math.max(wanted.length, letters.length);
      return { candidate, index, similarity: longest === 0 ? 1 : 1 - distance(wanted, letters) / longest };
    })
    .filter((match) => match.similarity >= minSimilarity)
    .sort((left, right) => right.similarity - left.similarity || left.index - right.index)
    .slice(0, limit);
}
