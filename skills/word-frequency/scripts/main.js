const text = '';
const limit = 10;
const stopWords = [];

const ignored = new Set(stopWords.map((word) => word.toLowerCase()));
const counts = new Map();
for (const run of text.toLowerCase().split(/[^\p{L}\p{N}'’-]/u)) {
  const letters = [...run];
  const isLetter = (letter) => !"'’-".includes(letter);
  const word = letters.slice(letters.findIndex(isLetter), letters.findLastIndex(isLetter) + 1).join('');
  if (word !== '' && !ignored.has(word)) counts.set(word, (counts.get(word) ?? 0) + 1);
}

[...counts]
  .sort(([leftWord, left], [rightWord, right]) => right - left || (leftWord < rightWord ? -1 : 1))
  .slice(0, limit)
  .map(([word, count]) => ({ word, count }));
